import assert from 'node:assert/strict';
import test from 'node:test';
import {
  appendMany,
  assertBytes,
  count,
  freshLog,
  hold,
  nextBatch,
  settle,
} from '../../support/log-fixture.ts';

const SEGMENT = '.log';
const NO_LIMIT = { maxBytes: 1e9, below: 1e9 };

test('an append takes effect at once, before anything is written', async () => {
  const { log, disk } = await freshLog();
  const writes = count(disk, 'write');
  const batch = nextBatch(log, { values: ['a', 'b'], timestampMs: 50 });
  log.append([batch]);
  assert.equal(log.end, 2);
  assert.deepEqual(log.position, { epoch: 1, end: 2 });
  assert.equal(log.lastTimestampMs, 50);
  assert.equal(log.sizeBytes, batch.length);
  assert.equal(log.readRecent(0, NO_LIMIT)?.[0], batch, 'the very bytes, not a copy');
  assert.equal(log.syncedEnd, 0);
  assert.equal(writes(), 0);
});

test('a sync ends after the fdatasync that covers it, and not before', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 3);
  const datasync = hold(disk, 'datasync', SEGMENT);
  let ended = false;
  const synced = log.sync().finally(() => {
    ended = true;
  });
  await datasync.arrived;
  await settle();
  assert.equal(ended, false);
  assert.equal(log.syncedEnd, 0);
  datasync.release();
  assert.deepEqual(await synced, { end: 3, generation: 0 });
  assert.equal(log.syncedEnd, 3);
});

test('one fdatasync at a time, each for all that came during the last', async () => {
  const { log, disk } = await freshLog();
  const datasyncs = count(disk, 'datasync', SEGMENT);
  appendMany(log, 1);
  const first = hold(disk, 'datasync', SEGMENT);
  const syncs = [log.sync()];
  await first.arrived;
  for (let step = 0; step < 10; step += 1) {
    appendMany(log, 1);
    syncs.push(log.sync());
    await settle();
  }
  assert.equal(datasyncs(), 1);
  first.release();
  const ends = (await Promise.all(syncs)).map(({ end }) => end);
  assert.deepEqual(ends, [1, ...Array(10).fill(11)]);
  assert.equal(datasyncs(), 2);
});

test('a sync vouches for what was written when it was issued, not for what came during it', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 2);
  const datasync = hold(disk, 'datasync', SEGMENT);
  const synced = log.sync();
  await datasync.arrived;
  appendMany(log, 5);
  await settle();
  datasync.release();
  assert.equal((await synced).end, 2);
  assert.equal(log.syncedEnd, 2);
  assert.equal(log.end, 7);
});

test('batches of one moment are written in one go, and in order', async () => {
  const { log, disk } = await freshLog();
  const writes = count(disk, 'write', SEGMENT);
  const batches = appendMany(log, 100);
  await log.sync();
  assert.equal(writes(), 1);
  assertBytes(disk.content('/data/log/00000000000000000000.log'), Buffer.concat(batches));
});

test('what nobody syncs is written all the same', async () => {
  const { log, disk } = await freshLog();
  const datasyncs = count(disk, 'datasync', SEGMENT);
  const batches = appendMany(log, 3);
  await settle();
  assertBytes(disk.content('/data/log/00000000000000000000.log'), Buffer.concat(batches));
  assert.equal(datasyncs(), 0);
});

test('a sync with nothing to do does nothing', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 1);
  await log.sync();
  const before = disk.operations;
  assert.deepEqual(await log.sync(), { end: 1, generation: 0 });
  assert.equal(disk.operations, before);
});

test('several batches in one append, and in one buffer, are as good as one by one', async () => {
  const { log, disk } = await freshLog();
  const other = await freshLog();
  const batches = appendMany(other.log, 4);
  log.append([Buffer.concat(batches.slice(0, 2)), ...batches.slice(2)]);
  assert.equal(log.end, 4);
  assert.deepEqual(log.readRecent(1, { maxBytes: 1, below: 4 }), [batches[1]]);
  await log.sync();
  assertBytes(disk.content('/data/log/00000000000000000000.log'), Buffer.concat(batches));
});

test('what does not continue the log is refused, and nothing of it is taken', async () => {
  const { log } = await freshLog();
  const good = nextBatch(log, { timestampMs: 100 });
  const bad = {
    'its offset is 0, not 1': nextBatch(log, { timestampMs: 100 }),
    'its epoch is 2, not 1': shifted(nextBatch(log, { timestampMs: 100, epoch: 2 }), 1),
    'its timestamp is 99, below 100': shifted(nextBatch(log, { timestampMs: 99 }), 1),
  };
  for (const [problem, batch] of Object.entries(bad)) {
    assert.throws(() => log.append([good, batch]), { name: 'RefusedError', message: new RegExp(problem) });
    assert.equal(log.end, 0);
  }
  assert.throws(() => log.append([good.subarray(0, -1)]), RangeError);
  assert.throws(() => log.append([Buffer.concat([good, Buffer.from('tail')])]), RangeError);
  assert.equal(log.end, 0);
  assert.equal(log.sizeBytes, 0);
  log.append([good]);
  assert.equal(log.end, 1);
});

function shifted(batch: Buffer, offset: number): Buffer {
  batch.writeBigInt64BE(BigInt(offset), 0);
  return batch;
}

test('more than the disk takes in time is refused before memory grows', async () => {
  const { log, disk } = await freshLog({ unwrittenMaxBytes: 1000 });
  const write = hold(disk, 'write', SEGMENT);
  while (log.sizeBytes < 800) appendMany(log, 1);
  await write.arrived;
  const { end } = log;
  const large = nextBatch(log, { values: ['x'.repeat(400)] });
  assert.throws(() => log.append([large]), { code: 'overloaded' });
  assert.equal(log.end, end);
  write.release();
  await log.sync();
  log.append([large]);
  assert.equal((await log.sync()).end, end + 1);
});

test('a sync under way when a cut is asked for says nothing about the log after it', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 5);
  const datasync = hold(disk, 'datasync', SEGMENT);
  const before = log.sync();
  await datasync.arrived;
  const cut = log.truncate(2);
  assert.equal(log.generation, 1);
  const after = log.sync();
  datasync.release();
  assert.equal((await before).generation, 0, 'void: the generation is another one now');
  assert.deepEqual(await after, { end: 2, generation: 1 });
  await cut;
  assert.equal(log.syncedEnd, 2);
});

test('a sync that has not been issued when a cut is asked for waits for the cut', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 5);
  const write = hold(disk, 'write', '.log');
  const before = log.sync();
  await write.arrived;
  const cut = log.truncate(2);
  const after = log.sync();
  write.release();
  assert.deepEqual(await before, { end: 2, generation: 0 });
  assert.deepEqual(await after, { end: 2, generation: 1 });
  await cut;
});

test('a sync asked for before a cut, issued after it, is void as well', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 1);
  const datasync = hold(disk, 'datasync', SEGMENT);
  const first = log.sync();
  await datasync.arrived;
  appendMany(log, 4);
  const waiting = log.sync();
  const cut = log.truncate(3);
  datasync.release();
  assert.deepEqual(await first, { end: 1, generation: 0 });
  assert.deepEqual(await waiting, { end: 3, generation: 0 });
  await cut;
});

test('nothing is appended, and nothing else changed, while a change is under way', async () => {
  const { log } = await freshLog();
  appendMany(log, 5);
  const cut = log.truncate(2);
  assert.throws(() => appendMany(log, 1), /append during truncate/);
  await assert.rejects(log.addPair({ epoch: 2, start: 5 }), /addPair during truncate/);
  await cut;
  appendMany(log, 1);
  assert.equal(log.end, 3);
});

test('closing writes and syncs what is left; then every call fails', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 3);
  const batch = nextBatch(log);
  await log.close();
  await log.close();
  const closed = { code: 'shutting-down' };
  assert.throws(() => log.append([batch]), closed);
  assert.throws(() => log.readRecent(0, NO_LIMIT), closed);
  await assert.rejects(log.sync(), closed);
  await assert.rejects(log.read(0, NO_LIMIT), closed);
  await assert.rejects(log.truncate(0), closed);
  await assert.rejects(log.saveMark(), closed);
  disk.crash({ random: () => 0, keeps: 'none' });
  assertBytes(disk.content('/data/log/00000000000000000000.log'), Buffer.concat(batches));
});
