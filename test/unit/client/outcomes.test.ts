// What the client says of a send against what loggers stored: refused is not stored, stored is stored once, and order is kept,
// whatever becomes of each attempt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientError } from '../../../src/client/index.ts';
import { chances, large, producerFor, Rules, settled, unanswered } from './batches.ts';
import {
  type Owner,
  problem,
  type Received,
  redirect,
  reset,
  ScriptedLogger,
  type Step,
  silence,
} from './scripted-logger.ts';

/** a, b and c are under way; all are stored, and only a is answered before the connection breaks. */
async function withUnansweredStored(t: Owner) {
  const rules = new Rules();
  const held: Received[] = [];
  const logger = await ScriptedLogger.start(t, [rules.step], (received) => void held.push(received));
  const { producer } = producerFor(t, logger.url);
  await producer.send('first');
  const sent = ['a', 'b', 'c', 'd'].map((name) => producer.send(large(name)));
  while (held.length < 3) await new Promise(setImmediate);
  const [a, ...others] = held as [Received, ...Received[]];
  await rules.step(a);
  await sent[0];
  for (const received of others) await unanswered(rules.step)(received);
  return { rules, logger, producer, sent };
}

test('a batch that may be stored is unknown after a 401, and those behind it are not stored again', async (t) => {
  const { rules, logger, sent } = await withUnansweredStored(t);
  logger.otherwise = problem('unauthorized');
  logger.breakConnections();
  const told = await settled(sent);
  // The last one went out by itself, and was never stored.
  assert.deepEqual(told, [1, 'unauthorized unknown', 'unauthorized unknown', 'unauthorized refused']);
  assert.deepEqual(rules.stored, ['first', 'a', 'b', 'c']);
});

test('a batch that may be stored is unknown when nobody can be reached until it is given up', async (t) => {
  const { rules, logger, producer, sent } = await withUnansweredStored(t);
  await logger.stop();
  const closing = producer.close({ signal: AbortSignal.timeout(100) });
  assert.deepEqual((await settled(sent)).slice(0, 3), [1, 'aborted unknown', 'aborted unknown']);
  await closing;
  assert.deepEqual(rules.stored, ['first', 'a', 'b', 'c']);
});

test('a batch that may be stored is unknown when it is given up ahead of its turn', async (t) => {
  const { logger, producer, sent } = await withUnansweredStored(t);
  logger.otherwise = silence;
  const closing = producer.close({ signal: AbortSignal.abort(new Error('enough')) });
  assert.deepEqual((await settled(sent)).slice(0, 3), [1, 'aborted unknown', 'aborted unknown']);
  await closing;
});

/** Two loggers with one log between them, which treat each attempt by chance. */
async function troubledPair(t: Owner, chance: () => number) {
  const rules = new Rules();
  const late: Received[] = [];
  const urls: string[] = [];
  /** Troubles come together: requests refused right after a connection broke. */
  let refusals = 0;
  const lose = (received: Received): void => {
    refusals = 3;
    reset(received);
  };
  const step: Step = async (received) => {
    const luck = chance();
    // One that was on its way when its connection broke arrives behind others.
    if (late.length > 0 && chance() < 0.3) await unanswered(rules.step)(late.shift() as Received);
    if (refusals > 0 && chance() < 0.5) {
      refusals -= 1;
      return problem('unauthorized')(received);
    }
    if (luck < 0.06) return lose(received);
    if (luck < 0.12) {
      await unanswered(rules.step)(received);
      return lose(received);
    }
    if (luck < 0.18) {
      late.push(received);
      return lose(received);
    }
    if (luck < 0.22) return problem('overloaded', { retryAfterMs: 1 })(received);
    if (luck < 0.26) {
      if (chance() < 0.5) await unanswered(rules.step)(received);
      return problem('outcome-unknown', { retryAfterMs: 1 })(received);
    }
    if (luck < 0.29) return problem('record-too-large')(received);
    if (luck < 0.4)
      return redirect(() => urls.find((url) => !url.endsWith(portOf(received))) ?? '')(received);
    return rules.step(received);
  };
  for (const _ of ['one', 'other']) {
    const logger = await ScriptedLogger.start(t, [], step);
    logger.offerStreams();
    urls.push(logger.url);
  }
  return { rules, urls, late };
}

const portOf = ({ request }: Received): string => `:${request.socket.localPort}`;

const SENDS = 120;
const SEEDS = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: 12 }, (_, seed) => seed + 1);

for (const seed of SEEDS) {
  test(`at random: what is told of a send is true of the log (SEED=${seed})`, async (t) => {
    const chance = chances(seed * 7919);
    const { rules, urls, late } = await troubledPair(t, chance);
    const { producer } = producerFor(t, urls, { retryMaxMs: 5 });
    const told = new Map<string, number | string>();
    const sending: Promise<void>[] = [];
    for (let number = 0; number < SENDS; number += 1) {
      const name = `n${number}`;
      const signal = chance() < 0.1 ? AbortSignal.timeout(Math.floor(chance() * 20)) : undefined;
      const sent = producer.send(chance() < 0.6 ? large(name) : name, { signal });
      sending.push(
        sent.then(
          ({ offset }) => void told.set(name, offset),
          (error: unknown) => {
            assert.ok(error instanceof ClientError);
            assert.ok(['aborted', 'unauthorized', 'record-too-large'].includes(error.code), error.code);
            told.set(name, error.outcome);
          },
        ),
      );
      if (chance() < 0.15) await sent.catch(() => {});
    }
    if (chance() < 0.3) await producer.close({ signal: AbortSignal.timeout(10) });
    await Promise.all(sending);
    for (const received of late.splice(0)) await unanswered(rules.step)(received);
    assertTrue(rules.stored, told);
  });
}

function assertTrue(stored: readonly string[], told: ReadonlyMap<string, number | string>): void {
  const numbers = stored.map((name) => Number(name.slice(1)));
  // Each once, and in the order sent.
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  );
  for (const [name, outcome] of told) {
    if (outcome === 'refused') assert.ok(!stored.includes(name), `${name} was refused, and is stored`);
    else if (outcome !== 'unknown') assert.equal(stored[outcome as number], name);
  }
  assert.equal(told.size, SENDS);
}
