import assert from 'node:assert/strict';
import test from 'node:test';
import {
  appendMany,
  assertBytes,
  failAll,
  freshLog,
  hold,
  openOn,
  readAll,
  settle,
} from '../../support/log-fixture.ts';

const KEEP_ALL = { maxBytes: 0, maxAgeMs: 0, nowMs: 0, commit: 40 };

/** Segments of eight records each, of 8 kB, with timestamps 1…40: bases 0, 8, 16, 24, 32. */
async function fiveSegments() {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 40, 8000);
  await log.sync();
  assert.equal(log.segmentCount, 5);
  return { log, disk, batches, segmentBytes: log.sizeBytes / 5 };
}

test('without a policy nothing goes', async () => {
  const { log } = await fiveSegments();
  assert.equal(await log.retain(KEEP_ALL), 0);
  assert.equal(log.segmentCount, 5);
});

test('by bytes, the oldest segments go while those left are enough', async () => {
  const { log, segmentBytes } = await fiveSegments();
  assert.equal(await log.retain({ ...KEEP_ALL, maxBytes: 3 * segmentBytes + 1 }), 8);
  assert.equal(await log.retain({ ...KEEP_ALL, maxBytes: 3 * segmentBytes }), 16);
  assert.equal(await log.retain({ ...KEEP_ALL, maxBytes: 1 }), 32, 'the last one stays');
  assert.equal(log.segmentCount, 1);
});

test('by age, segments go whose last record is too old', async () => {
  const { log } = await fiveSegments();
  const retain = (nowMs: number) => log.retain({ ...KEEP_ALL, maxAgeMs: 100, nowMs });
  assert.equal(await retain(108), 0);
  assert.equal(await retain(109), 8);
  assert.equal(await retain(125), 24);
  assert.equal(await retain(140), 32);
  assert.equal(await retain(141), 40, 'the open segment too: nothing is left');
});

test('nothing goes that is not committed', async () => {
  const { log } = await fiveSegments();
  assert.equal(await log.retain({ ...KEEP_ALL, maxBytes: 1, commit: 23 }), 16);
  assert.equal(await log.retain({ ...KEEP_ALL, maxBytes: 1, commit: 24 }), 24);
});

test('a segment stays whose successor is only in memory: it is all that is on the disk', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 8, 8000);
  await log.sync();
  const restore = failAll(disk, 'ENOSPC', 'open', '8.log');
  appendMany(log, 1, 8000);
  await settle();
  assert.equal(log.segmentCount, 2);
  assert.equal(await log.retain({ ...KEEP_ALL, maxBytes: 1 }), 0);
  restore();
  disk.crash({ random: () => 0, keeps: 'none' });
  assert.equal((await openOn(disk)).log.end, 8);
});

test('followers delete whole segments below what the leader says', async () => {
  const { log } = await fiveSegments();
  await log.deleteBelow(23);
  assert.equal(log.first, 16);
  await log.deleteBelow(39);
  assert.equal(log.first, 32);
  await log.deleteBelow(40);
  assert.equal(log.first, 40);
});

test('what is left is durable, and stays readable and complete', async () => {
  const { log, disk, batches } = await fiveSegments();
  await log.deleteBelow(16);
  assertBytes(await readAll(log), batches.slice(16));
  appendMany(log, 1);
  await log.sync();
  assert.deepEqual(
    disk.names('/data/log').filter((name) => /^\d+\./.test(name) && Number.parseInt(name, 10) < 16),
    [],
  );
  disk.crash({ random: () => 0, keeps: 'none' });
  const again = await openOn(disk);
  assert.deepEqual([again.log.first, again.log.end, again.recovered.quarantine], [16, 41, null]);
});

test('segments go one by one, durably, so that no crash leaves a hole', async () => {
  const { log, disk } = await fiveSegments();
  const order: string[] = [];
  disk.hooks.add(({ kind, path }) => {
    if ((kind === 'remove' && path.endsWith('.log')) || kind === 'syncDirectory')
      order.push(`${kind} ${path.replace('/data/log', '').replace(/^\/0*(\d)/, '/$1')}`);
  });
  await log.deleteBelow(24);
  assert.deepEqual(order, [
    'remove /0.log',
    'syncDirectory ',
    'remove /8.log',
    'syncDirectory ',
    'remove /16.log',
    'syncDirectory ',
  ]);
});

test('what is deleted is forgotten in memory as well', async () => {
  const { log, disk } = await freshLog({ recentBytes: 2 ** 20 });
  appendMany(log, 40, 8000);
  await log.sync();
  assert.equal(await log.offsetAt(5), 4);
  await log.deleteBelow(16);
  assert.equal(await log.offsetAt(5), 16);
  assert.throws(() => log.readRecent(15, { maxBytes: 1, below: 40 }), { code: 'offset-gone' });
  disk.kill();
  assert.equal(await (await openOn(disk)).log.offsetAt(5), 16);
});

test('a log that lost all its records goes on where it ended, also after a crash', async () => {
  const { log, disk } = await fiveSegments();
  assert.equal(await log.retain({ ...KEEP_ALL, maxAgeMs: 100, nowMs: 1e9 }), 40);
  assert.deepEqual([log.first, log.end, log.sizeBytes, log.lastTimestampMs], [40, 40, 0, 0]);
  assert.equal(await log.offsetAt(5), 40);
  assert.deepEqual(
    disk.names('/data/log').filter((name) => name.endsWith('.log')),
    ['00000000000000000040.log'],
  );
  disk.crash({ random: () => 0, keeps: 'none' });
  const again = (await openOn(disk)).log;
  assert.deepEqual([again.first, again.end], [40, 40]);
  const batches = appendMany(again, 3, 8000);
  await again.sync();
  assertBytes(await readAll(again), batches);
  assert.equal(await again.retain({ ...KEEP_ALL, maxAgeMs: 100, nowMs: 1e9 }), 40, 'not beyond the commit');
});

test('while bytes wait to be written, the open segment stays open', async () => {
  const { log, disk } = await fiveSegments();
  const write = hold(disk, 'write', '32.log');
  appendMany(log, 1);
  await write.arrived;
  const retained = log.retain({ ...KEEP_ALL, maxAgeMs: 1, nowMs: 1e9, commit: 41 });
  appendMany(log, 1);
  write.release();
  assert.equal(await retained, 32);
  await log.sync();
  assert.equal(await log.retain({ ...KEEP_ALL, maxAgeMs: 1, nowMs: 1e9, commit: 42 }), 42);
});

test('a follower closes an open segment of which its leader has removed a part, and removes it next time', async () => {
  const { log } = await freshLog({ segmentSizeBytes: 2 ** 20 });
  appendMany(log, 20, 8000);
  await log.sync();
  await log.deleteBelow(8);
  assert.deepEqual([log.first, log.segmentCount], [0, 2]);
  const kept = appendMany(log, 4, 8000);
  await log.sync();
  await log.deleteBelow(16);
  assert.equal(log.first, 0);
  await log.deleteBelow(20);
  assertBytes(await readAll(log), kept);
});

test('a full disk that the open segment fills takes records again once that is over the bound', async () => {
  const { log, disk } = await freshLog({ segmentSizeBytes: 2 ** 20, waitForRoom: settle }, 200_000);
  const batches = appendMany(log, 20, 8000);
  await log.sync();
  const policy = { ...KEEP_ALL, maxBytes: 100_000, commit: 20 };
  assert.equal(await log.retain(policy), 0, 'not while there is room');
  assert.throws(() => appendMany(log, 1, 50_000), { code: 'disk-full' });
  assert.equal(await log.retain({ ...policy, maxBytes: 0 }), 0, 'not without a bound');
  assert.equal(await log.retain({ ...policy, maxBytes: 400_000 }), 0, 'not below the bound');
  assert.equal(await log.retain({ ...policy, commit: 19 }), 0, 'not what is not committed');
  assertBytes(await readAll(log), batches);
  assert.equal(await log.retain(policy), 20);
  await settle();
  assert.equal(log.full, false);
  const more = appendMany(log, 1, 50_000);
  await log.sync();
  assertBytes(await readAll(log), more);
  assert.ok(disk.usedBytes < 100_000);
});

test('a closed segment whose successor finds no room for its file goes when there is some', async () => {
  const { log, disk } = await freshLog({ segmentSizeBytes: 2 ** 20 });
  appendMany(log, 20, 8000);
  await log.sync();
  const restore = failAll(disk, 'ENOSPC', 'open', '20.log');
  const policy = { ...KEEP_ALL, maxAgeMs: 1, nowMs: 1e9, commit: 20 };
  assert.equal(await log.retain(policy), 0);
  assert.equal(await log.retain(policy), 0);
  restore();
  assert.equal(await log.retain(policy), 20);
  assert.equal(log.segmentCount, 1);
});

test('pairs that no record needs go with the segments', async () => {
  const { log, disk } = await freshLog();
  for (const epoch of [2, 3, 4]) {
    appendMany(log, 10, 8000);
    await log.addPair({ epoch, start: log.end });
  }
  assert.equal(log.segmentCount, 4);
  await log.deleteBelow(16);
  const expected = [
    { epoch: 2, start: 10 },
    { epoch: 3, start: 20 },
    { epoch: 4, start: 30 },
  ];
  assert.deepEqual(log.pairs, expected);
  disk.crash({ random: () => 0, keeps: 'none' });
  assert.deepEqual((await openOn(disk)).log.pairs, expected);
});

test('appends go on during a deletion', async () => {
  const { log, disk } = await fiveSegments();
  const remove = hold(disk, 'remove', '.log');
  const deleted = log.deleteBelow(16);
  await remove.arrived;
  appendMany(log, 3);
  assert.equal(log.end, 43);
  remove.release();
  await deleted;
  assert.equal((await log.sync()).end, 43);
});
