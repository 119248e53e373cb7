import assert from 'node:assert/strict';
import test from 'node:test';
import {
  appendMany,
  assertBytes,
  failAll,
  freshLog,
  hold,
  nextBatch,
  openOn,
  readAll,
  settle,
} from '../../support/log-fixture.ts';

const SEGMENT = '/data/log/00000000000000000000.log';
const RESERVE_BYTES = 1000;
const CAPACITY_BYTES = 2 ** 20;

/** A log whose wait for room ends when the test says so. */
async function fullableLog() {
  const waits: (() => void)[] = [];
  const waitForRoom = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      waits.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const alarms: Error[] = [];
  const onFatal = (error: Error): void => void alarms.push(error);
  const opened = await freshLog({ waitForRoom, reserveBytes: RESERVE_BYTES, onFatal }, CAPACITY_BYTES);
  const { disk } = opened;
  /** Lets the log look at the disk again. */
  const tryAgain = async (): Promise<void> => {
    waits.shift()?.();
    await settle();
  };
  /** From here on the log may append so much and no more. A look at the disk makes it know. */
  const leaveRoom = (bytes: number): void => {
    disk.capacityBytes = disk.usedBytes + RESERVE_BYTES + bytes;
  };
  return { ...opened, alarms, waits, tryAgain, leaveRoom };
}

/** Reopens a disk that is nearly full. */
async function nearlyFull(roomBytes: number) {
  const full = await fullableLog();
  const kept = appendMany(full.log, 5);
  await full.log.sync();
  full.leaveRoom(roomBytes);
  // An append that cannot fit makes the log look.
  assert.throws(() => full.log.append([nextBatch(full.log, { values: ['x'.repeat(CAPACITY_BYTES)] })]), {
    code: 'disk-full',
  });
  await full.tryAgain();
  return { ...full, kept };
}

test('an append that does not fit changes nothing, and says so', async () => {
  const { log, disk } = await nearlyFull(100);
  const batch = nextBatch(log, { values: ['x'.repeat(200)], producer: { id: 1n, epoch: 0, sequence: 0 } });
  const { end, sizeBytes, lastTimestampMs } = log;
  assert.throws(() => log.append([batch]), { code: 'disk-full' });
  assert.deepEqual([log.end, log.sizeBytes, log.lastTimestampMs], [end, sizeBytes, lastTimestampMs]);
  assert.equal(log.producer(1n), null);
  assert.equal(log.full, true);
  await settle();
  assert.equal(disk.content(SEGMENT).length, sizeBytes);
});

test('a full disk goes on serving reads and syncs', async () => {
  const { log, kept } = await nearlyFull(0);
  assert.throws(() => appendMany(log, 1), { code: 'disk-full' });
  assertBytes(await readAll(log), Buffer.concat(kept));
  assert.deepEqual(await log.sync(), { end: 5, generation: 0 });
  await log.saveMark();
});

test('what is appended and not written yet is counted as well', async () => {
  const { log, disk } = await nearlyFull(10_000);
  const write = hold(disk, 'write', '.log');
  appendMany(log, 1, 6000);
  await write.arrived;
  appendMany(log, 1, 2000);
  // The log looks at the disk after the write, when 4 kB are free and half of that is spoken for.
  const look = hold(disk, 'freeBytes');
  write.release();
  await look.arrived;
  look.release();
  await settle();
  assert.throws(() => appendMany(log, 1, 3000), { code: 'disk-full' });
  appendMany(log, 1, 1000);
  assert.equal((await log.sync()).end, 8);
});

test('the reserve is left alone by appends, and serves promises and pairs', async () => {
  const { log, state, disk } = await nearlyFull(0);
  assert.throws(() => appendMany(log, 1), { code: 'disk-full' });
  await state.save({
    promisedEpoch: 2,
    promisedIncarnation: 'i',
    members: [],
    membersVersion: { epoch: 0, revision: 0 },
  });
  await log.addPair({ epoch: 2, start: 5 });
  assert.ok(disk.capacityBytes > disk.usedBytes);
});

test('it recovers by itself when there is room', async () => {
  const { log, disk, tryAgain, waits, leaveRoom } = await nearlyFull(0);
  assert.equal(log.full, true);
  await tryAgain();
  await tryAgain();
  assert.equal(log.full, true);
  assert.equal(waits.length, 1, 'one wait at a time');
  leaveRoom(2 * CAPACITY_BYTES);
  await tryAgain();
  assert.equal(log.full, false);
  assert.equal(waits.length, 0);
  appendMany(log, 10);
  assert.equal((await log.sync()).end, 15);
  assert.equal(disk.content(SEGMENT).length, log.sizeBytes);
});

test('deleting old segments makes room at once', async () => {
  const { log, leaveRoom, disk } = await fullableLog();
  appendMany(log, 20, 8000);
  await log.sync();
  assert.ok(log.segmentCount > 2);
  leaveRoom(-5000);
  await log.deleteBelow(10);
  assert.ok(log.first > 0);
  appendMany(log, 1, 8000);
  await log.sync();
  assert.ok(disk.usedBytes <= disk.capacityBytes);
});

test('a write that finds no room after all is neither synced nor lost', async () => {
  const { log, disk, tryAgain, alarms } = await fullableLog();
  const kept = appendMany(log, 2);
  await log.sync();
  // Somebody else fills the disk between the last look and the write, which gets through in part.
  disk.capacityBytes = disk.usedBytes + 90;
  const tail = appendMany(log, 3, 100);
  let ended = false;
  const synced = log.sync().finally(() => {
    ended = true;
  });
  await settle();
  assert.equal(log.full, true);
  assert.equal(ended, false);
  assert.equal(log.syncedEnd, 2);
  assertBytes(await readAll(log), Buffer.concat([...kept, ...tail]));
  assert.throws(() => appendMany(log, 1), { code: 'disk-full' });
  await tryAgain();
  assert.equal(ended, false);

  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await tryAgain();
  assert.deepEqual(await synced, { end: 5, generation: 0 });
  assert.equal(log.full, false);
  assertBytes(disk.content(SEGMENT), Buffer.concat([...kept, ...tail]));
  assert.deepEqual(alarms, []);
});

test('no room for a new segment is want of room like any other', async () => {
  const { log, disk, tryAgain } = await fullableLog();
  appendMany(log, 8, 8000);
  await log.sync();
  assert.equal(log.segmentCount, 1);
  const restore = failAll(disk, 'ENOSPC', 'open', '.log');
  appendMany(log, 1, 8000);
  const synced = log.sync();
  await settle();
  assert.equal(log.segmentCount, 2);
  assert.equal(log.full, true);
  restore();
  await tryAgain();
  assert.equal((await synced).end, 9);
  assert.equal((await openOnAfterCrash(disk)).end, 9);
});

async function openOnAfterCrash(disk: Parameters<typeof openOn>[0]) {
  disk.crash({ random: () => 0, keeps: 'none' });
  const { log, recovered } = await openOn(disk);
  assert.equal(recovered.quarantine, null);
  return log;
}

test('a tail that found no room can be cut off', async () => {
  const { log, disk, tryAgain } = await fullableLog();
  const kept = appendMany(log, 2);
  await log.sync();
  disk.capacityBytes = disk.usedBytes + 30;
  appendMany(log, 3, 100);
  const synced = log.sync();
  await settle();
  await log.truncate(2);
  assert.equal((await synced).generation, 0);
  assertBytes(disk.content(SEGMENT), Buffer.concat(kept));
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await tryAgain();
  assert.equal(log.full, false);
  const more = appendMany(log, 1);
  await log.sync();
  assertBytes(disk.content(SEGMENT), Buffer.concat([...kept, ...more]));
});

test('a cut within the tail that found no room ends when there is room', async () => {
  const { log, disk, tryAgain } = await fullableLog();
  const kept = appendMany(log, 2);
  await log.sync();
  disk.capacityBytes = disk.usedBytes;
  const tail = appendMany(log, 3, 100);
  let ended = false;
  const cut = log.truncate(4).finally(() => {
    ended = true;
  });
  await settle();
  assert.equal(ended, false);
  assert.equal(log.syncedEnd, 2);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await tryAgain();
  await cut;
  assert.equal(log.syncedEnd, 4);
  assertBytes(disk.content(SEGMENT), Buffer.concat([...kept, ...tail.slice(0, 2)]));
});

test('a full disk does not keep the log from closing and opening; what it never vouched for is gone', async () => {
  const { log, disk } = await fullableLog();
  const kept = appendMany(log, 2);
  await log.sync();
  disk.capacityBytes = disk.usedBytes;
  appendMany(log, 1, 100);
  const synced = assert.rejects(log.sync(), { code: 'shutting-down' });
  await settle();
  await log.close();
  await synced;
  disk.kill();
  const again = await openOn(disk, { reserveBytes: RESERVE_BYTES });
  assert.equal(again.recovered.quarantine, null);
  assertBytes(await readAll(again.log), Buffer.concat(kept));
  assert.throws(() => appendMany(again.log, 1), { code: 'disk-full' });
});

test('a promise finds its room in the file; one that outgrows it is refused, and the former one stands', async () => {
  const { state, disk, alarms } = await fullableLog();
  disk.capacityBytes = disk.usedBytes;
  await state.save({
    promisedEpoch: 2,
    promisedIncarnation: 'i',
    members: [],
    membersVersion: { epoch: 0, revision: 0 },
  });
  const members = Array.from({ length: 80 }, (_, at) => ({ id: `${at}`, uid: 'u'.repeat(36), peer: 'h:1' }));
  const membersVersion = { epoch: 3, revision: 1 };
  const next = { promisedEpoch: 3, promisedIncarnation: 'j', members, membersVersion };
  await assert.rejects(state.save(next), { code: 'disk-full' });
  assert.equal(state.value.promisedEpoch, 2);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await state.save(next);
  assert.equal(state.value.promisedEpoch, 3);
  assert.deepEqual(alarms, []);
});

test('a pair that finds no room is refused, and whatever comes next, the checkpoint is believed', async () => {
  for (const next of ['nothing', 'saveMark', 'another pair'] as const) {
    const { log, disk } = await fullableLog();
    appendMany(log, 2);
    await log.sync();
    await log.saveMark();
    disk.capacityBytes = disk.usedBytes;
    // The mark has room for one pair.
    await log.addPair({ epoch: 2, start: 2 });
    await assert.rejects(log.addPair({ epoch: 3, start: 2 }), { code: 'disk-full' });
    const pairs = [
      { epoch: 1, start: 0 },
      { epoch: 2, start: 2 },
    ];
    assert.deepEqual(log.pairs, pairs);
    log.noteCommit(1);
    if (next === 'saveMark') await assert.rejects(log.saveMark(), { code: 'disk-full' });
    if (next === 'another pair')
      await assert.rejects(log.addPair({ epoch: 4, start: 2 }), { code: 'disk-full' });
    const again = await openOnAfterCrash(disk);
    assert.deepEqual(again.pairs, pairs);
    assert.ok(again.storedCommit <= 1);
    if (next === 'saveMark') assert.equal(again.storedCommit, 1);
  }
});

test('a reset that finds no room is refused, and the log is what it was', async () => {
  const { log, disk } = await fullableLog();
  const kept = appendMany(log, 2);
  await log.sync();
  const producers = await log.producersAt(2);
  disk.capacityBytes = disk.usedBytes;
  await assert.rejects(log.reset(2, [{ epoch: 1, start: 0 }], producers), { code: 'disk-full' });
  assertBytes(await readAll(log), Buffer.concat(kept));
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await log.reset(2, [{ epoch: 1, start: 0 }], producers);
  assert.deepEqual([log.first, log.end], [2, 2]);
});
