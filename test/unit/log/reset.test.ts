import assert from 'node:assert/strict';
import test from 'node:test';
import {
  appendMany,
  assertBytes,
  freshLog,
  hold,
  nextBatch,
  openOn,
  readAll,
} from '../../support/log-fixture.ts';

const PAIRS = [
  { epoch: 1, start: 0 },
  { epoch: 6, start: 900 },
];

/** The producer table of a leader at offset 1000: producer 5 has sent sequence 3. */
async function leadersTable(): Promise<Buffer> {
  const { log } = await freshLog();
  const values = Array.from({ length: 996 }, () => 'x');
  log.append([nextBatch(log, { values })]);
  for (let sequence = 0; sequence < 4; sequence += 1)
    log.append([nextBatch(log, { producer: { id: 5n, epoch: 0, sequence } })]);
  return await log.producersAt(1000);
}

async function oldLog() {
  const opened = await freshLog();
  appendMany(opened.log, 20, 8000);
  opened.log.append([nextBatch(opened.log, { producer: { id: 9n, epoch: 0, sequence: 0 } })]);
  await opened.log.sync();
  opened.log.noteCommit(15);
  await opened.log.saveMark();
  return opened;
}

test('everything goes, and the log starts where and as the leader says', async () => {
  const { log, disk } = await oldLog();
  await log.reset(1000, PAIRS, await leadersTable());
  const check = (subject: typeof log): void => {
    assert.deepEqual([subject.first, subject.end, subject.syncedEnd], [1000, 1000, 1000]);
    assert.deepEqual(subject.position, { epoch: 6, end: 1000 });
    assert.deepEqual(subject.pairs, PAIRS);
    assert.equal(subject.sizeBytes, 0);
    assert.equal(subject.segmentCount, 1);
    assert.equal(subject.storedCommit, 1000);
    assert.deepEqual(subject.producer(5n), { id: 5n, epoch: 0, lastSequence: 3, lastOffset: 999 });
    assert.equal(subject.producer(9n), null);
  };
  assert.equal(log.generation, 1);
  check(log);
  await assert.rejects(log.read(3, { maxBytes: 1, below: 1000 }), { code: 'offset-gone' });
  disk.crash({ random: () => 0, keeps: 'none' });
  const again = await openOn(disk);
  assert.equal(again.recovered.resumedReset, false);
  check(again.log);
  const batches = appendMany(again.log, 3);
  await again.log.sync();
  assertBytes(await readAll(again.log), batches);
});

test('what is appended afterwards is never thrown away by the wish of before', async () => {
  const { log, disk } = await oldLog();
  await log.reset(1000, PAIRS, await leadersTable());
  const batches = appendMany(log, 3);
  await log.sync();
  disk.crash({ random: () => 0, keeps: 'none' });
  const again = await openOn(disk);
  assertBytes(await readAll(again.log), batches);
});

test('a sync under way says nothing about the new log', async () => {
  const { log, disk } = await oldLog();
  appendMany(log, 2);
  const datasync = hold(disk, 'datasync', '.log');
  const synced = log.sync();
  await datasync.arrived;
  const reset = log.reset(1000, PAIRS, await leadersTable());
  datasync.release();
  assert.equal((await synced).generation, 0);
  await reset;
  assert.equal(log.generation, 1);
});

test('a start that cannot be is refused, and nothing is thrown away', async () => {
  const { log } = await oldLog();
  const table = await leadersTable();
  const refused = { name: 'RefusedError' };
  await assert.rejects(log.reset(999, PAIRS, table), refused, 'a table of another offset');
  await assert.rejects(log.reset(1000, PAIRS, table.subarray(1)), refused, 'a damaged table');
  await assert.rejects(
    log.reset(1000, [...PAIRS, { epoch: 7, start: 1001 }], table),
    refused,
    'a pair from beyond',
  );
  await assert.rejects(log.reset(1000, PAIRS.toReversed(), table), refused, 'pairs that do not rise');
  log.noteCommit(1001);
  await assert.rejects(log.reset(1000, PAIRS, table), refused, 'below its own commit');
  assert.equal(log.end, 21);
  appendMany(log, 1);
  assert.equal((await log.sync()).end, 22);
});
