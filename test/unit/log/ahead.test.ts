// The open segment's file is made longer ahead of what is written, so that most syncs need not store a new length; nobody
// else finds it longer than what it holds.
import assert from 'node:assert/strict';
import test from 'node:test';
import { appendMany, assertBytes, count, freshLog, openOn, readAll } from '../../support/log-fixture.ts';

const SEGMENT = '/data/log/00000000000000000000.log';
const SEGMENT_SIZE_BYTES = 64 * 1024;
const LOSE_ALL = { random: () => 0, keeps: 'none' } as const;

test('many appends, each with its sync, make the file longer once', async () => {
  const { log, disk } = await freshLog();
  const extensions = count(disk, 'extend');
  for (let round = 0; round < 50; round += 1) {
    appendMany(log, 1);
    await log.sync();
  }
  assert.equal(extensions(), 1);
  assert.equal(disk.sizeOf(SEGMENT), SEGMENT_SIZE_BYTES);
});

test('a file is never made longer than a segment gets, and a large batch has one of its own', async () => {
  const { log, disk } = await freshLog({ segmentSizeBytes: 1000 });
  const extensions = count(disk, 'extend');
  appendMany(log, 1, 3000);
  await log.sync();
  assert.equal(extensions(), 0);
  assert.equal(disk.sizeOf(SEGMENT), log.sizeBytes);
});

test('what it is longer by takes no room', async () => {
  const { log, disk } = await freshLog({}, 48 * 1024);
  appendMany(log, 5);
  await log.sync();
  assert.equal(log.full, false);
  assert.equal(disk.sizeOf(SEGMENT), SEGMENT_SIZE_BYTES);
});

test('a segment that is followed by another ends with its last record, durably', async () => {
  const { log, disk } = await freshLog({ segmentSizeBytes: 1000 });
  const batches = appendMany(log, 3);
  await log.sync();
  assert.equal(disk.sizeOf(SEGMENT), 1000);
  batches.push(...appendMany(log, 12));
  await log.sync();
  assert.ok(log.segmentCount > 1);
  disk.crash(LOSE_ALL);
  assert.equal(disk.sizeOf(SEGMENT), disk.content(SEGMENT).length);
  const again = await openOn(disk, { segmentSizeBytes: 1000 });
  assert.equal(again.recovered.quarantine, null);
  assertBytes(await readAll(again.log), batches);
});

test('a closed log ends with its last record', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 3);
  await log.close();
  assertBytes(disk.content(SEGMENT), batches);
  assert.equal(disk.sizeOf(SEGMENT), log.sizeBytes);
});

test('after a kill nothing is torn, and the zeros are gone', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 3);
  await log.sync();
  disk.kill();
  assert.equal(disk.sizeOf(SEGMENT), SEGMENT_SIZE_BYTES);
  const again = await openOn(disk);
  assert.deepEqual([again.recovered.tornBytes, again.recovered.quarantine], [0, null]);
  assert.equal(disk.sizeOf(SEGMENT), again.log.sizeBytes);
  assertBytes(await readAll(again.log), batches);
});

test('a cut takes the zeros along, and what comes then makes the file longer again', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 5);
  await log.sync();
  await log.truncate(2);
  assert.equal(disk.sizeOf(SEGMENT), log.sizeBytes);
  const more = appendMany(log, 2);
  await log.sync();
  assert.equal(disk.sizeOf(SEGMENT), SEGMENT_SIZE_BYTES);
  disk.kill();
  assertBytes(await readAll((await openOn(disk)).log), [...batches.slice(0, 2), ...more]);
});
