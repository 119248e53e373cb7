// Several batches under way at a time: what is refused, lost or unknown in the middle must change neither order nor exactly-once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chances,
  large,
  nameIn,
  names,
  producerFor,
  Rules,
  settled,
  troubled,
  unanswered,
} from './batches.ts';
import {
  type Owner,
  problem,
  type Received,
  redirect,
  reset,
  ScriptedLogger,
  type Step,
  stampIn,
} from './scripted-logger.ts';

/** Five requests are under way, and wait for their answers. */
async function withFiveHeld(t: Owner) {
  const rules = new Rules();
  const held: Received[] = [];
  const logger = await ScriptedLogger.start(t, [rules.step], (received) => void held.push(received));
  const { producer } = producerFor(t, logger.url);
  // Until one has answered it is not known who leads: then one request at a time asks.
  await producer.send('first');
  const sent = names.map((name) => producer.send(large(name)));
  while (held.length < 5) await new Promise(setImmediate);
  return { rules, held, logger, sent };
}

test('five are under way at a time, one behind the other on one connection', async (t) => {
  const { rules, held, logger, sent } = await withFiveHeld(t);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(held.length, 5);
  assert.equal(new Set(held.map(({ request }) => request.socket)).size, 1);
  assert.deepEqual(
    held.map((received) => stampIn(received).sequence),
    [1, 2, 3, 4, 5],
  );
  logger.otherwise = rules.step;
  for (const received of held) await rules.step(received);
  assert.deepEqual(await settled(sent), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(rules.stored, ['first', ...names]);
});

/** Whose second request is refused, as that of a logger with too much to do; its first one is answered already. */
async function withBusyLogger(t: Owner) {
  const rules = new Rules();
  const busy = problem('overloaded', { retryAfterMs: 5 });
  const logger = await ScriptedLogger.start(t, [rules.step, busy], rules.step);
  const { producer } = producerFor(t, logger.url);
  await producer.send('first');
  return { rules, producer };
}

test('when the oldest fails those behind it are refused as gaps and sent again after it, in order', async (t) => {
  const { rules, producer } = await withBusyLogger(t);
  assert.deepEqual(await settled(names.map((name) => producer.send(large(name)))), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(rules.stored, ['first', ...names]);
  assert.equal(producer.epoch, 0);
});

test('what was not under way when one failed is sent once: it waits until all that failed have been stored', async (t) => {
  const { rules, producer } = await withBusyLogger(t);
  const many = [...names, ...names, ...names];
  await settled(many.map((name) => producer.send(large(name))));
  assert.deepEqual(rules.stored, ['first', ...many]);
  // Those behind the oldest, when that one failed.
  assert.equal(rules.gaps, 4);
});

test('a leader that stops between two of them is not asked again: all that follow go where its redirect says', async (t) => {
  const { rules, held, logger: old, sent } = await withFiveHeld(t);
  const next = await ScriptedLogger.start(t, [], rules.step);
  const toNext = redirect(() => next.url);
  old.otherwise = toNext;
  const [last, ...others] = held as [Received, ...Received[]];
  await rules.step(last);
  for (const received of others) await toNext(received);
  assert.deepEqual(await settled(sent), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(rules.stored, ['first', ...names]);
  assert.equal(old.appends().length, 1 + held.length);
});

test('a connection that breaks in the middle loses nothing and stores nothing twice', async (t) => {
  const rules = new Rules();
  const storeAndBreak: Step = async (received) => {
    // The answer is lost, the deed is done.
    await unanswered(rules.step)(received);
    reset(received);
  };
  const script: Step[] = [rules.step, storeAndBreak, rules.step, reset];
  const logger = await ScriptedLogger.start(t, script, rules.step);
  const { producer } = producerFor(t, logger.url);
  assert.deepEqual(await settled(names.map((name) => producer.send(large(name)))), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(rules.stored, names);
});

test('when the oldest is refused for good, those behind it go on in a new epoch', async (t) => {
  const rules = new Rules();
  const refuse: Step = (received) =>
    nameIn(received) === 'b' ? problem('record-too-large')(received) : rules.step(received);
  const logger = await ScriptedLogger.start(t, [], refuse);
  const { producer } = producerFor(t, logger.url);
  assert.deepEqual(await settled(names.map((name) => producer.send(large(name)))), [
    0,
    'record-too-large refused',
    1,
    2,
    3,
    4,
    5,
    6,
  ]);
  assert.deepEqual(rules.stored, ['a', 'c', 'd', 'e', 'f', 'g', 'h']);
  assert.equal(producer.epoch, 1);
});

test('what loggers and producer disagree about ends the producer, and what was behind is unknown', async (t) => {
  const logger = await ScriptedLogger.start(t, [], problem('producer-fenced'));
  const { producer } = producerFor(t, logger.url);
  const [first, ...rest] = await settled(names.map((name) => producer.send(large(name))));
  assert.equal(first, 'producer-fenced refused');
  assert.deepEqual([...new Set(rest)].sort(), ['producer-fenced refused', 'producer-fenced unknown']);
});

test('a close that gives up leaves what is under way unknown, and refuses the rest', async (t) => {
  const logger = await ScriptedLogger.start(t, [new Rules().step], () => {});
  const { producer } = producerFor(t, logger.url);
  await producer.send('first');
  const sent = names.slice(0, 3).map((name) => producer.send(large(name)));
  while (logger.received.length < 3) await new Promise(setImmediate);
  const closing = producer.close({ signal: AbortSignal.timeout(20) });
  assert.deepEqual(await settled(sent), ['aborted unknown', 'aborted unknown', 'aborted refused']);
  await closing;
});

test('at random: whatever breaks, what is acknowledged is stored once, at its offset, in order', async (t) => {
  const rules = new Rules();
  const chance = chances(Number(process.env.SEED ?? 1));
  const logger = await ScriptedLogger.start(t, [], troubled(rules, chance, 0.1, 0.05));
  const { producer } = producerFor(t, logger.url);
  const all = Array.from({ length: 60 }, (_, number) => `n${number}`);
  const sent: Promise<{ offset: number }>[] = [];
  for (const name of all) {
    await producer.room();
    sent.push(producer.send(large(name)));
  }
  assert.deepEqual(
    await settled(sent),
    all.map((_, number) => number),
  );
  assert.deepEqual(rules.stored, all);
});
