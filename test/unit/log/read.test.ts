import assert from 'node:assert/strict';
import test from 'node:test';
import { recordsOf } from '../../../src/log/index.ts';
import type { Log } from '../../../src/log/types.ts';
import {
  appendMany,
  assertBytes,
  count,
  freshLog,
  hold,
  nextBatch,
  openOn,
  readAll,
} from '../../support/log-fixture.ts';

/** Five segments; the memory of recent batches holds the last two or three of forty batches. */
async function longLog() {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 40, 6000);
  await log.sync();
  assert.equal(log.segmentCount, 4);
  assert.equal(log.readRecent(30, { maxBytes: 1, below: 40 }), null);
  return { log, disk, batches };
}

const offsetsOf = (buffers: readonly Buffer[]): number[] =>
  [...recordsOf(buffers)].map(({ offset }) => offset);

test('any offset is found, in memory or on the disk, and reading goes on from there', async () => {
  const { log, batches } = await longLog();
  for (let offset = 0; offset < 40; offset += 1) {
    const read = await log.read(offset, { maxBytes: 1, below: 40 });
    assertBytes(read, batches.slice(offset, offset + 1));
  }
  assertBytes(await readAll(log), batches);
});

test('a read is whole batches up to about so many bytes, at least one, and none beyond `below`', async () => {
  const { log } = await longLog();
  const read = async (maxBytes: number, below: number) => offsetsOf(await log.read(3, { maxBytes, below }));
  assert.deepEqual(await read(1, 40), [3]);
  assert.deepEqual(await read(12_200, 40), [3, 4]);
  assert.deepEqual(await read(1e6, 40), [3, 4, 5, 6, 7, 8, 9], 'up to the end of the segment');
  assert.deepEqual(await read(1e6, 6), [3, 4, 5]);
  assert.deepEqual(await read(1e6, 3), []);
});

test('a batch of many records is found by any of its offsets, and given whole or not at all', async () => {
  const { log } = await freshLog({ recentBytes: 0 });
  appendMany(log, 2);
  log.append([nextBatch(log, { values: ['a', 'b', 'c', 'd'] })]);
  appendMany(log, 2);
  await log.sync();
  for (const offset of [2, 3, 5]) {
    assert.deepEqual(offsetsOf(await log.read(offset, { maxBytes: 1, below: 8 })), [2, 3, 4, 5]);
    assert.deepEqual(await log.read(offset, { maxBytes: 1e6, below: 5 }), []);
  }
});

test('batches larger than what is read at a time are whole too', async () => {
  const { log } = await freshLog({ recentBytes: 0, segmentSizeBytes: 2 ** 20 });
  const batches = appendMany(log, 10, 100_000);
  await log.sync();
  for (const offset of [0, 4, 9]) {
    const read = await log.read(offset, { maxBytes: 1, below: 10 });
    assertBytes(read, batches.slice(offset, offset + 1));
  }
  assert.deepEqual(offsetsOf(await log.read(2, { maxBytes: 350_000, below: 10 })), [2, 3, 4]);
});

test('what is not written yet is read from memory', async () => {
  const { log, disk } = await freshLog({ recentBytes: 0 });
  const write = hold(disk, 'write', '.log');
  const batches = appendMany(log, 5);
  await write.arrived;
  assertBytes(await log.read(0, { maxBytes: 1e6, below: 5 }), batches);
  assertBytes(log.readRecent(2, { maxBytes: 1e6, below: 5 }) ?? [], batches.slice(2));
  write.release();
  await log.sync();
  assert.equal(log.readRecent(2, { maxBytes: 1e6, below: 5 }), null);
});

test('recent batches are read without the disk', async () => {
  const { log, disk } = await longLog();
  const opens = count(disk, 'open');
  assert.deepEqual(offsetsOf(await log.read(39, { maxBytes: 1e6, below: 40 })), [39]);
  assert.equal(opens(), 0);
});

test('the end reads as nothing; beyond it, and below the first, there is nothing to read', async () => {
  const { log } = await longLog();
  const limits = { maxBytes: 1, below: 100 };
  assert.deepEqual(log.readRecent(40, limits), []);
  assert.deepEqual(await log.read(40, limits), []);
  await assert.rejects(log.read(41, limits), { code: 'offset-out-of-range' });
  assert.throws(() => log.readRecent(41, limits), { code: 'offset-out-of-range' });
  await log.deleteBelow(10);
  await assert.rejects(log.read(9, limits), { code: 'offset-gone', extra: { first: 10 } });
  assert.throws(() => log.readRecent(9, limits), { code: 'offset-gone' });
});

test('a segment deleted under a reader is gone, not damaged', async () => {
  const { log, disk } = await longLog();
  const open = hold(disk, 'open', '.log');
  const read = log.read(2, { maxBytes: 1, below: 40 });
  await open.arrived;
  await log.deleteBelow(20);
  open.release();
  await assert.rejects(read, { code: 'offset-gone' });
});

test('damaged bytes are not served', async () => {
  const { log, disk } = await longLog();
  disk.flipBit('/data/log/00000000000000000000.log', 6100);
  const limits = { maxBytes: 1, below: 40 };
  assert.deepEqual(offsetsOf(await log.read(0, limits)), [0]);
  await assert.rejects(log.read(1, limits), { code: 'log-damaged' });
  assert.deepEqual(offsetsOf(await log.read(2, limits)), [2]);
});

test('a missing or misleading index costs a walk, nothing else', async () => {
  const { disk, batches } = await longLog();
  const index = '/data/log/00000000000000000000.index';
  const entry = disk.content(index).readInt32BE(4);
  for (const position of [entry + 1, entry + 6069, 61_000]) {
    const misleading = Buffer.alloc(8);
    misleading.writeInt32BE(1, 0);
    misleading.writeInt32BE(position, 4);
    disk.overwrite(index, misleading);
    disk.kill();
    const again = await openOn(disk);
    assertBytes(await readAll(again.log), batches);
    assert.equal(await again.log.offsetAt(4), 3);
  }
});

/** The first record at or after a time, the slow way. */
async function slowOffsetAt(log: Log, timestampMs: number): Promise<number> {
  for (const record of recordsOf([await readAll(log)]))
    if (record.timestampMs >= timestampMs) return record.offset;
  return log.end;
}

test('a time leads to the first record at or after it', async () => {
  for (const recentBytes of [0, 16 * 1024, 2 ** 30]) {
    const { log, disk } = await freshLog({ recentBytes });
    for (let index = 0; index < 60; index += 1) {
      const timestampMs = 10 * Math.floor(index / 3);
      log.append([nextBatch(log, { timestampMs, values: ['a', 'x'.repeat(4500)] })]);
    }
    for (const state of ['unwritten', 'written', 'opened'] as const) {
      if (state === 'written') await log.sync();
      if (state === 'opened') disk.kill();
      const subject = state === 'opened' ? (await openOn(disk)).log : log;
      for (let timestampMs = -5; timestampMs <= 200; timestampMs += 5)
        assert.equal(
          await subject.offsetAt(timestampMs),
          await slowOffsetAt(subject, timestampMs),
          `${timestampMs} ms`,
        );
    }
  }
});

test('an empty log has no time', async () => {
  const { log } = await freshLog();
  assert.equal(await log.offsetAt(0), 0);
});
