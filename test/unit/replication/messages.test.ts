import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message } from '../../../src/replica/index.ts';
import { MalformedFrame } from '../../../src/replication/frames.ts';
import { decodeMessage, encodeMessage } from '../../../src/replication/messages.ts';
import { EXAMPLES } from './examples.ts';

const NONE = Buffer.alloc(0);
const headerOf = (message: Message): Record<string, unknown> => {
  const { header } = encodeMessage(message);
  return JSON.parse(JSON.stringify(header)) as Record<string, unknown>;
};
const payloadOf = (message: Message): Buffer => Buffer.concat(encodeMessage(message).payload);

/** Values that no field of any message may have. */
const NEVER = [undefined, null, '', -1, 1.5, 2 ** 53, 'x'.repeat(5000), {}, [[]], { epoch: -1 }] as const;
/** Those of them that some fields take. */
const TAKEN: Readonly<Record<string, readonly unknown[]>> = {
  'pre-vote.transfer': [null],
  'follow.from': [null],
  'drained.seen': [undefined],
  'pre-vote-answer.membersVersion': [undefined],
  'promise.electorate': [undefined],
  'promised.newerMembers': [undefined],
  'commit.members': [undefined],
  'commit.shared': [undefined],
};

/** Every way to one value inside a header. */
function* paths(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    yield [...path, name];
    yield* paths(inner, [...path, name]);
  }
}

function set(target: unknown, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  const object = target as Record<string, unknown>;
  if (rest.length > 0) set(object[name!], rest, value);
  else if (value === undefined) delete object[name!];
  else object[name!] = value;
}

describe('a message', () => {
  for (const message of EXAMPLES)
    it(`${message.type}: a wrong value in any field is refused`, () => {
      assert.deepEqual(decodeMessage(headerOf(message), payloadOf(message)), message);
      for (const path of paths(headerOf(message)))
        for (const value of NEVER) {
          const name = path.at(-1)!;
          if (TAKEN[`${message.type}.${path.join('.')}`]?.includes(value)) continue;
          // JSON has no holes in lists.
          if (value === undefined && /^\d+$/.test(name)) continue;
          const header = headerOf(message);
          set(header, path, value);
          assert.throws(
            () => decodeMessage(header, payloadOf(message)),
            MalformedFrame,
            `${message.type}.${path.join('.')} = ${String(value).slice(0, 20)}`,
          );
        }
    });

  it('of a later version may have more fields', () => {
    const header = { ...headerOf(EXAMPLES[0]!), later: { any: 'thing' } };
    assert.equal(decodeMessage(header, NONE).type, EXAMPLES[0]!.type);
  });

  it('has exactly the payload that its header tells of', () => {
    for (const message of EXAMPLES) {
      const more = Buffer.concat([payloadOf(message), Buffer.from('x')]);
      assert.throws(() => decodeMessage(headerOf(message), more), MalformedFrame, message.type);
      const payload = payloadOf(message);
      if (payload.length > 0)
        assert.throws(() => decodeMessage(headerOf(message), payload.subarray(1)), MalformedFrame);
    }
  });

  it('with pairs that do not rise, or batches that end before they begin, is refused', () => {
    const tail = EXAMPLES.find(({ type }) => type === 'tail')!;
    const wrong = [
      [
        { epoch: 2, start: 1 },
        { epoch: 2, start: 2 },
      ],
      [
        { epoch: 2, start: 5 },
        { epoch: 3, start: 4 },
      ],
    ];
    for (const pairs of wrong)
      assert.throws(() => decodeMessage({ ...headerOf(tail), pairs }, NONE), MalformedFrame);
    const batches = EXAMPLES.find(({ type }) => type === 'batches')!;
    assert.throws(
      () => decodeMessage({ ...headerOf(batches), from: 44 }, payloadOf(batches)),
      MalformedFrame,
    );
  });

  it('of no known type, or none at all, is refused', () => {
    for (const header of [
      null,
      7,
      'ack',
      [],
      {},
      { type: 7 },
      { type: 'nack' },
      { type: '__proto__' },
      { type: 'toString' },
    ])
      assert.throws(() => decodeMessage(header, NONE), MalformedFrame);
  });
});
