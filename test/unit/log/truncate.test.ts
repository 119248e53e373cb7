import assert from 'node:assert/strict';
import test from 'node:test';
import { contentCrc } from '../../../src/log/index.ts';
import { OffsetIndex } from '../../../src/log/offset-index.ts';
import { decodeProducers } from '../../../src/log/producer-snapshot.ts';
import type { Log } from '../../../src/log/types.ts';
import {
  appendMany,
  assertBytes,
  freshLog,
  hold,
  nextBatch,
  openOn,
  readAll,
  settle,
} from '../../support/log-fixture.ts';
import type { MemoryDisk } from '../../support/memory-disk.ts';

async function reopened(disk: MemoryDisk) {
  disk.crash({ random: () => 0, keeps: 'none' });
  const opened = await openOn(disk);
  assert.equal(opened.recovered.quarantine, null);
  assert.equal(opened.recovered.tornBytes, 0);
  return opened.log;
}

/** Everything that can be seen of a log is the same. */
async function assertSame(log: Log, other: Log): Promise<void> {
  assertBytes(await readAll(log), await readAll(other));
  assert.deepEqual(log.position, other.position);
  assert.deepEqual(log.pairs, other.pairs);
  assert.equal(log.sizeBytes, other.sizeBytes);
  assert.equal(log.lastTimestampMs, other.lastTimestampMs);
  assert.deepEqual(await log.producersAt(log.end), await other.producersAt(other.end));
}

for (const synced of [true, false]) {
  for (const keep of [0, 1, 7, 8, 9, 17, 25, 29, 30]) {
    test(`a ${synced ? 'synced' : 'fresh'} log of four segments cut to ${keep} is one that never was longer`, async () => {
      const { log, disk } = await freshLog();
      const batches = appendMany(log, 30, 8000);
      assert.equal(log.segmentCount, 4);
      if (synced) await log.sync();
      await log.truncate(keep);
      assert.equal(log.end, keep);
      assert.equal(log.syncedEnd, keep);
      assert.equal(log.generation, 1);
      assertBytes(await readAll(log), Buffer.concat(batches.slice(0, keep)));
      assert.equal(log.lastTimestampMs, keep);

      await assertSame(log, await reopened(disk));
    });
  }
}

test('what is appended after a cut takes the place of what was cut, in every segment', async () => {
  const { log, disk } = await freshLog();
  const first = appendMany(log, 20, 8000);
  await log.sync();
  await log.truncate(12);
  const second = appendMany(log, 15, 9000);
  await log.sync();
  assertBytes(await readAll(log), Buffer.concat([...first.slice(0, 12), ...second]));
  for (const offset of [0, 11, 12, 13, 26])
    assert.equal((await log.read(offset, { maxBytes: 1, below: 27 }))[0]?.readBigInt64BE(0), BigInt(offset));
  assert.equal(await log.offsetAt(13), 12);
  for (const name of disk.names('/data/log').filter((one) => one.endsWith('.index'))) {
    const base = Number.parseInt(name, 10);
    const size = disk.content(`/data/log/${name.replace('.index', '.log')}`).length;
    assert.notEqual(
      OffsetIndex.decode(base, disk.content(`/data/log/${name}`), size),
      null,
      `${name} leads astray`,
    );
  }
  await assertSame(log, await reopened(disk));
});

test('the log is cut before its pairs, newest segment first, and all of it is durable', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 20, 8000);
  await log.addPair({ epoch: 2, start: 20 });
  appendMany(log, 5, 8000);
  await log.sync();
  const order: string[] = [];
  disk.hooks.add(({ kind, path }) => {
    if (
      ['remove', 'truncate', 'datasync', 'rename', 'syncDirectory'].includes(kind) &&
      !path.endsWith('.index')
    )
      order.push(`${kind} ${path.replace('/data/log', '').replace(/^\/0+/, '/')}`);
  });
  await log.truncate(9);
  assert.deepEqual(order, [
    'datasync /recovery-mark',
    'remove /24.log',
    'syncDirectory ',
    'remove /24.producers',
    'remove /16.log',
    'syncDirectory ',
    'remove /16.producers',
    'truncate /8.log',
    'datasync /8.log',
    'datasync /recovery-mark',
    'datasync /leader-epoch-checkpoint.tmp',
    'rename /leader-epoch-checkpoint',
    'syncDirectory ',
  ]);
});

test('pairs that start beyond the end go with the records; one at the end stays', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 3);
  await log.addPair({ epoch: 2, start: 3 });
  appendMany(log, 3);
  await log.addPair({ epoch: 5, start: 6 });
  await log.truncate(3);
  assert.deepEqual(log.pairs, [
    { epoch: 1, start: 0 },
    { epoch: 2, start: 3 },
  ]);
  assert.deepEqual(log.position, { epoch: 2, end: 3 });
  await log.cutPairsAbove(1);
  assert.deepEqual(log.position, { epoch: 1, end: 3 });
  assert.deepEqual((await reopened(disk)).position, { epoch: 1, end: 3 });
});

test('only pairs without a record are dropped as pairs', async () => {
  const { log } = await freshLog();
  appendMany(log, 3);
  await log.addPair({ epoch: 2, start: 3 });
  appendMany(log, 1);
  await log.addPair({ epoch: 3, start: 4 });
  await log.addPair({ epoch: 4, start: 4 });
  await log.cutPairsAbove(3);
  assert.equal(log.position.epoch, 3);
  await log.cutPairsAbove(0);
  assert.equal(log.position.epoch, 2, 'epoch 2 has a record');
});

/** Batches of two producers and of none, one record each; the CRC is that of the content. */
function appendAsProducers(log: Log, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const id = BigInt(log.end % 3);
    const sequence = Math.floor(log.end / 3);
    const producer = id === 0n ? null : { id, epoch: 0, sequence };
    log.append([nextBatch(log, { values: [`${log.end} `.padEnd(9000, '.')], producer })]);
  }
}

test('the producer table goes back with the log, however far', async () => {
  // 1500 batches of 9 kB pass the copies in memory (8 MiB apart) and many segments.
  for (const keep of [1499, 1000, 3]) {
    const { log, disk } = await freshLog({ segmentSizeBytes: 512 * 1024 });
    appendAsProducers(log, 1500);
    await log.sync();
    await log.truncate(keep);
    const never = await freshLog({ segmentSizeBytes: 512 * 1024 });
    appendAsProducers(never.log, keep);
    await never.log.sync();
    await assertSame(log, never.log);
    for (const id of [1n, 2n])
      assert.deepEqual(log.producer(id), never.log.producer(id), `producer ${id}, ${keep}`);
    appendAsProducers(log, 10);
    appendAsProducers(never.log, 10);
    await assertSame(log, never.log);
    disk.kill();
  }
});

test('a table from beyond a cut is never used again', async () => {
  const { log } = await freshLog({ segmentSizeBytes: 2 ** 24 });
  const never = await freshLog({ segmentSizeBytes: 2 ** 24 });
  appendAsProducers(log, 1000);
  await log.truncate(900);
  appendAsProducers(never.log, 900);
  for (const subject of [log, never.log])
    for (let sequence = 0; sequence < 100; sequence += 1)
      subject.append([nextBatch(subject, { producer: { id: 99n, epoch: 0, sequence } })]);
  await log.truncate(950);
  await never.log.truncate(950);
  for (const id of [1n, 2n, 99n])
    assert.deepEqual(log.producer(id), never.log.producer(id), `producer ${id}`);
});

test('after the table went back, the producer goes on where the log does', async () => {
  const { log } = await freshLog();
  const send = (sequence: number) =>
    log.append([nextBatch(log, { producer: { id: 7n, epoch: 0, sequence } })]);
  for (let sequence = 0; sequence < 5; sequence += 1) send(sequence);
  await log.truncate(2);
  assert.deepEqual(log.producer(7n), { id: 7n, epoch: 0, lastSequence: 1, lastOffset: 1 });
  assert.equal(log.judge({ id: 7n, epoch: 0, sequence: 2 }, 1, 0).kind, 'next');
  assert.equal(log.judge({ id: 7n, epoch: 0, sequence: 5 }, 1, 0).kind, 'refused');
});

test('the table at any offset is that of a log that ends there', async () => {
  const { log } = await freshLog();
  appendAsProducers(log, 40);
  for (const offset of [0, 1, 7, 20, 39, 40]) {
    const never = await freshLog();
    appendAsProducers(never.log, offset);
    const table = decodeProducers(await log.producersAt(offset));
    const expected = decodeProducers(await never.log.producersAt(offset));
    assert.equal(table?.offset, offset);
    assert.deepEqual([...(table?.table.entries() ?? [])], [...(expected?.table.entries() ?? [])]);
  }
  await assert.rejects(log.producersAt(41), { code: 'offset-out-of-range' });
});

test('a place that is none is refused, and nothing is cut', async () => {
  const { log } = await freshLog();
  log.append([nextBatch(log, { values: ['a', 'b', 'c'] })]);
  appendMany(log, 3);
  await log.sync();
  log.noteCommit(3);
  await assert.rejects(log.truncate(7), { name: 'RefusedError', message: /the log ends at 6/ });
  await assert.rejects(log.truncate(2), { name: 'RefusedError', message: /records below 3 are committed/ });
  const { log: other } = await freshLog();
  other.append([nextBatch(other, { values: ['a', 'b', 'c'] })]);
  await assert.rejects(other.truncate(1), { name: 'RefusedError', message: /inside a batch/ });
  assert.equal(other.end, 3);
  assert.equal(log.end, 6);
  appendMany(log, 1);
  assert.equal((await log.sync()).end, 7, 'the log goes on');
});

test('a read that a cut overtakes starts over', async () => {
  const { log, disk } = await freshLog();
  const old = appendMany(log, 20, 3000);
  await log.sync();
  const held = hold(disk, 'read', '.log');
  const read = log.read(3, { maxBytes: 50_000, below: 20 });
  await held.arrived;
  await log.truncate(5);
  const fresh = appendMany(log, 2, 2000);
  await log.sync();
  held.release();
  assert.deepEqual(
    Buffer.concat(await read),
    Buffer.concat([...old.slice(3, 5), ...fresh]).subarray(0, 50_000),
  );
});

test('what a read found before a cut is not given after it', async () => {
  const { log, disk } = await freshLog();
  const old = appendMany(log, 20, 3000);
  await log.sync();
  const held = hold(disk, 'close', '.log');
  const read = log.read(3, { maxBytes: 20_000, below: 20 });
  await held.arrived;
  await log.truncate(5);
  held.release();
  assertBytes(await read, old.slice(3, 5));
});

test('a cut waits for a write under way', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 5);
  const write = hold(disk, 'write', '.log');
  const synced = log.sync();
  await write.arrived;
  let ended = false;
  const cut = log.truncate(2).finally(() => {
    ended = true;
  });
  await settle();
  assert.equal(ended, false);
  write.release();
  await cut;
  await synced;
  assertBytes(disk.content('/data/log/00000000000000000000.log'), Buffer.concat(batches.slice(0, 2)));
});

test('the copies of the producer table serve cuts alone: a new segment begins with the table of its own place', async () => {
  const MiB = 1024 * 1024;
  const options = { segmentSizeBytes: 10 * MiB };
  const { log, disk } = await freshLog(options);
  const append = (id: bigint, sequence: number, sizeBytes: number): Buffer => {
    const values = ['.'.repeat(sizeBytes)];
    const batch = nextBatch(log, { values, producer: { id, epoch: 0, sequence } });
    log.append([batch]);
    return batch;
  };
  // Beyond the 8 MiB after which the table is copied; what comes next is in no copy.
  for (let sequence = 0; sequence < 9; sequence += 1) append(1n, sequence, MiB);
  const offset = log.end;
  const late = append(2n, 0, 1);
  append(1n, 9, 2 * MiB);
  assert.equal(log.segmentCount, 2);
  await log.sync();
  disk.crash({ random: () => 0, keeps: 'none' });
  const again = await openOn(disk, options);
  const stamp = { id: 2n, epoch: 0, sequence: 0 };
  const repeat = { kind: 'repeat', offset, count: 1, epoch: 1 };
  assert.deepEqual(again.log.judge(stamp, 1, contentCrc(late)), repeat);
});

test('a cut leaves the producer table of its place, on either side of a copy in memory', async () => {
  const { log } = await freshLog({ segmentSizeBytes: 64 * 1024 * 1024 });
  const crcs: number[] = [];
  for (let sequence = 0; sequence < 12; sequence += 1) {
    const values = ['.'.repeat(1024 * 1024)];
    const batch = nextBatch(log, { values, producer: { id: 1n, epoch: 0, sequence } });
    crcs.push(contentCrc(batch));
    log.append([batch]);
  }
  const judged = (sequence: number) => log.judge({ id: 1n, epoch: 0, sequence }, 1, crcs[sequence]!);
  for (const end of [10, 6]) {
    await log.truncate(end);
    assert.deepEqual(judged(end - 1), { kind: 'repeat', offset: end - 1, count: 1, epoch: 1 });
    assert.deepEqual(judged(end), { kind: 'next' });
    assert.deepEqual(judged(end + 1), { kind: 'refused', code: 'sequence-gap' });
  }
  await log.close();
});
