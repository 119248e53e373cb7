import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RegisterMalformed } from '../../../src/election/errors.ts';
import { encodeRegister, parseRegister } from '../../../src/election/register-value.ts';
import { registerValue } from './values.ts';

const parse = (value: unknown) =>
  parseRegister(typeof value === 'string' ? value : JSON.stringify(value), 'the/key', 4);

describe('the register value', () => {
  it('comes back as it was written, without fields that are not its own', () => {
    const value = registerValue({ epoch: 41, revision: 0 });
    const text = Buffer.from(encodeRegister(value), 'base64').toString();
    assert.deepEqual(parse(text), value);
    assert.deepEqual(parse({ ...value, later: 1, leader: { ...value.leader, more: 2 } }), value);
  });

  it('is refused on the way in and on the way out when a field is wrong', () => {
    const { leader, members } = registerValue();
    const [member] = members;
    const wrong: [string, object][] = [
      ['epoch', { epoch: 0 }],
      ['epoch', { epoch: 1.5 }],
      ['epoch', { epoch: '1' }],
      ['epoch', { epoch: 2 ** 53 }],
      ['revision', { revision: -1 }],
      ['revision', { revision: undefined }],
      ['leader', { leader: null }],
      ['leader', { leader: { ...leader, incarnation: '' } }],
      ['leader', { leader: { ...leader, api: 8080 } }],
      ['members', { members: {} }],
      ['members', { members: [] }],
      [
        'members',
        { members: Array.from({ length: 101 }, (_, at) => ({ id: `l${at}`, uid: `u${at}`, peer: 'p' })) },
      ],
      ['member', { members: [{ id: 'a', uid: 'u' }] }],
      ['same id', { members: [member, { ...member, uid: 'another' }] }],
      ['same uid', { members: [member, { ...member, id: 'another' }] }],
    ];
    for (const [problem, change] of wrong) {
      const value = { ...registerValue(), ...change };
      assert.throws(
        () => parse(value),
        (error: Error) => error instanceof RegisterMalformed && error.message.includes(problem),
        JSON.stringify(change),
      );
    }
    assert.throws(() => encodeRegister(registerValue({ epoch: 0 })), RangeError);
    assert.throws(() => encodeRegister(registerValue({ members: [] })), RangeError);
  });

  it('is refused when it is something else altogether', () => {
    for (const text of ['', 'null', '[]', '"text"', '{', '12'])
      assert.throws(() => parse(text), RegisterMalformed);
  });
});
