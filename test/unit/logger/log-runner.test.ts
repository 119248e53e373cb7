// What a peer asks of the log and cannot be: refused with nothing changed, and the logger goes on. Found by
// `npm run fuzz -- --target peers`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { stampBatch } from '../../../src/log/index.ts';
import { realClock } from '../../../src/logger/clock.ts';
import { LogRunner } from '../../../src/logger/driver/log-runner.ts';
import type { Event } from '../../../src/replica/index.ts';
import { appendMany, freshLog, nextBatch } from '../../support/log-fixture.ts';
import { until } from '../../support/until.ts';

async function runner() {
  const opened = await freshLog();
  const { log } = opened;
  log.append([nextBatch(log, { values: ['a', 'b', 'c'] })]);
  appendMany(log, 2);
  const events: Event[] = [];
  const failures: Error[] = [];
  const outlet = {
    event: (event: Event) => void events.push(event),
    failed: (error: Error) => void failures.push(error),
  };
  return { log, events, failures, runner: new LogRunner(log, opened.state, realClock, outlet) };
}

const IMPOSSIBLE = {
  'a cut inside a batch': { type: 'cut', end: 1, sharedEpoch: 1 },
  'a pair of an epoch that is past': { type: 'add-pair', pair: { epoch: 1, start: 5 } },
  'a new start without a table of producers': {
    type: 'reset',
    first: 50,
    pairs: [],
    producers: Buffer.from('x'),
  },
} as const;

for (const [what, effect] of Object.entries(IMPOSSIBLE))
  test(`${what} is refused, and the log goes on`, async () => {
    const { log, events, failures, runner: one } = await runner();
    one.change(effect);
    await until('it is answered', () => events.length > 0 || failures.length > 0);
    assert.deepEqual(failures, []);
    assert.equal(events[0]?.type, 'change-refused');
    assert.equal(log.end, 5);
    appendMany(log, 1);
    await log.sync();
  });

test('batches that do not end where they are said to are refused before anything is appended', async () => {
  const { log, events, runner: one } = await runner();
  const batch = nextBatch(log);
  for (const [batches, end] of [
    [[batch], 9],
    [[batch], 5],
    [[], 6],
  ] as const)
    assert.equal(one.append({ type: 'append', from: 5, end, batches }), false);
  assert.equal(log.end, 5);
  assert.deepEqual(
    events.map((event) => event.type === 'append-failed' && event.reason),
    ['gap', 'gap', 'gap'],
  );
  assert.equal(one.append({ type: 'append', from: 5, end: 6, batches: [batch] }), true);
});

test('a batch that was damaged on its way is refused, and those before it are not appended either', async () => {
  const { log, events, runner: one } = await runner();
  const batches = [nextBatch(log), Buffer.from(nextBatch(log))] as const;
  stampBatch(batches[1], log.end + 1, 1);
  const last = batches[1].length - 1;
  batches[1].writeUInt8(batches[1].readUInt8(last) ^ 1, last);
  const effect = { type: 'append', from: 5, end: 7, batches } as const;
  assert.equal(one.append(effect), false);
  assert.equal(log.end, 5);
  assert.deepEqual(events, [{ type: 'append-failed', reason: 'gap', end: 5 }]);
  batches[1].writeUInt8(batches[1].readUInt8(last) ^ 1, last);
  assert.equal(one.append(effect), true);
});

test('a cut takes records away before pairs: what a crash leaves between never counts for an older epoch', async () => {
  const { log, events, runner: one } = await runner();
  await log.addPair({ epoch: 2, start: log.end });
  appendMany(log, 2);
  await log.sync();
  const truncate = log.truncate.bind(log);
  const epochs: number[] = [];
  log.truncate = async (end) => {
    epochs.push(log.position.epoch);
    await truncate(end);
  };
  one.change({ type: 'cut', end: 5, sharedEpoch: 1 });
  await until('it is done', () => events.length > 0);
  assert.deepEqual(epochs, [2]);
  assert.deepEqual(log.position, { epoch: 1, end: 5 });
});
