// What is a torn tail, what an odd one, and what is damage. Beyond the recovery mark the log is cut where whole batches end; a whole
// batch behind that makes it uncertain. What is wrong below the mark puts the log in quarantine, and the logger is a new member.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Log, stampBatch } from '../../../src/log/index.ts';
import {
  appendMany,
  assertBytes,
  endsBeforeStop,
  freshLog,
  nextBatch,
  openOn,
  PROMISE,
  readAll,
  settle,
} from '../../support/log-fixture.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { Random } from '../../support/random.ts';

const SEGMENT = '/data/log/00000000000000000000.log';
const LOSE_ALL = { random: () => 0, keeps: 'none' } as const;

/** Ten batches, of which the recovery mark vouches for the first five; all of them are on the disk. */
async function markedAtFive() {
  const { log, disk, state } = await freshLog();
  const batches = appendMany(log, 5);
  await log.sync();
  log.noteCommit(4);
  await log.saveMark();
  batches.push(...appendMany(log, 5));
  await log.sync();
  await state.save({
    promisedEpoch: 8,
    promisedIncarnation: 'i',
    members: [],
    membersVersion: { epoch: 0, revision: 0 },
  });
  disk.crash(LOSE_ALL);
  const ends = [0];
  for (const { length } of batches) ends.push((ends.at(-1) as number) + length);
  return { disk, batches, uid: log.uid, ends };
}

async function assertRecovered(
  disk: MemoryDisk,
  expected: readonly Buffer[],
  tornBytes: number,
): Promise<void> {
  const { log, recovered } = await openOn(disk);
  assert.deepEqual(recovered, {
    created: false,
    quarantine: null,
    tornBytes,
    oddTail: null,
    droppedPairs: 0,
    resumedReset: false,
  });
  assertBytes(await readAll(log), expected);
  assert.equal(log.syncedEnd, expected.length);
  assertBytes(disk.content(SEGMENT), expected);
  const more = appendMany(log, 2);
  await log.sync();
  disk.crash(LOSE_ALL);
  const again = await openOn(disk);
  assert.equal(again.recovered.quarantine, null);
  assertBytes(await readAll(again.log), [...expected, ...more]);
}

async function assertQuarantined(disk: MemoryDisk, uid: string, reason: RegExp): Promise<void> {
  const former = Buffer.from(disk.content(SEGMENT));
  const { log, state, recovered } = await openOn(disk);
  const { quarantine } = recovered;
  assert.ok(quarantine);
  assert.match(quarantine.reason, reason);
  assert.equal(quarantine.formerUid, uid);
  assert.notEqual(log.uid, uid);
  assert.deepEqual([log.first, log.end, log.position.epoch, log.storedCommit], [0, 0, 0, 0]);
  assert.deepEqual(state.value, {
    promisedEpoch: 0,
    promisedIncarnation: null,
    members: [],
    membersVersion: { epoch: 0, revision: 0 },
  });
  assertBytes(disk.content(`/data/${quarantine.folder}/00000000000000000000.log`), former);
  // It is a log like any new one, and stays the one it is.
  await state.save(PROMISE);
  await log.addPair({ epoch: 1, start: 0 });
  const batches = appendMany(log, 2);
  await log.sync();
  disk.crash(LOSE_ALL);
  const again = await openOn(disk);
  assert.equal(again.recovered.quarantine, null);
  assert.equal(again.log.uid, log.uid);
  assertBytes(await readAll(again.log), batches);
}

/** The log keeps its uid and its promise, and what comes before the bad bytes; it says of itself that it may lack records. */
async function assertUncertain(
  disk: MemoryDisk,
  uid: string,
  expected: readonly Buffer[],
  reason: RegExp,
): Promise<void> {
  const { log, state, recovered } = await openOn(disk);
  assert.equal(recovered.quarantine, null);
  assert.match(recovered.oddTail ?? '', reason);
  assert.deepEqual([log.uid, state.value.promisedEpoch, state.value.uncertain], [uid, 8, true]);
  assertBytes(await readAll(log), expected);
  const more = appendMany(log, 2);
  await log.sync();
  disk.crash(LOSE_ALL);
  const again = await openOn(disk);
  assert.deepEqual([again.recovered.oddTail, again.state.value.uncertain], [null, true]);
  assertBytes(await readAll(again.log), [...expected, ...more]);
  const { uncertain, ...certain } = again.state.value;
  await again.state.save(certain);
  disk.crash(LOSE_ALL);
  const last = await openOn(disk);
  assert.deepEqual(last.state.value, certain);
}

test('what was synced is there after a loss of power, what was not is not', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 3);
  await log.sync();
  appendMany(log, 3);
  disk.crash(LOSE_ALL);
  await assertRecovered(disk, batches, 0);
});

test('commit does not fall over a restart below what was stored', async () => {
  const { disk } = await markedAtFive();
  assert.equal((await openOn(disk)).log.storedCommit, 4);
});

test('a commit is never stored above what is synced', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 3);
  await log.sync();
  appendMany(log, 3);
  log.noteCommit(6);
  await log.saveMark();
  assert.equal(log.storedCommit, 3);
  disk.crash(LOSE_ALL);
  assert.equal((await openOn(disk)).log.storedCommit, 3);
});

test('a batch cut short at the end is a torn tail, wherever it is cut', async () => {
  for (const missing of [1, 10, 60, 66]) {
    const { disk, batches, ends } = await markedAtFive();
    const torn = disk.content(SEGMENT).subarray(0, (ends[10] as number) - missing);
    disk.overwrite(SEGMENT, torn);
    await assertRecovered(disk, batches.slice(0, 9), torn.length - (ends[9] as number));
  }
});

test('a last batch with wrong bytes is a torn tail', async () => {
  const { disk, batches, ends } = await markedAtFive();
  disk.flipBit(SEGMENT, (ends[10] as number) - 1);
  await assertRecovered(disk, batches.slice(0, 9), batches[9]?.length as number);
});

test('zeros behind the last batch are no tail: the file is made longer than what it holds', async () => {
  for (const zeros of [1, 100, 5000]) {
    const { disk, batches } = await markedAtFive();
    disk.overwrite(SEGMENT, Buffer.concat([disk.content(SEGMENT), Buffer.alloc(zeros)]));
    await assertRecovered(disk, batches, 0);
  }
});

test('a torn tail between zeros ends with its last byte', async () => {
  const { disk, batches } = await markedAtFive();
  const tail = Buffer.concat([Buffer.alloc(300), Buffer.from([1, 2, 3]), Buffer.alloc(5000)]);
  disk.overwrite(SEGMENT, Buffer.concat([disk.content(SEGMENT), tail]));
  await assertRecovered(disk, batches, 303);
});

test('damage below the recovery mark is damage, even at the end', async () => {
  const { disk, uid, ends } = await markedAtFive();
  disk.overwrite(SEGMENT, disk.content(SEGMENT).subarray(0, ends[5] as number));
  disk.flipBit(SEGMENT, (ends[5] as number) - 1);
  await assertQuarantined(disk, uid, /offset 4 was synced \(up to 5\), but: the CRC is/);
});

test('a log that ends below the recovery mark is damaged', async () => {
  const { disk, uid, ends } = await markedAtFive();
  disk.overwrite(SEGMENT, disk.content(SEGMENT).subarray(0, ends[4] as number));
  await assertQuarantined(disk, uid, /offset 4 was synced \(up to 5\), but: the log ends there/);
});

test('a log that ends right at the recovery mark is whole', async () => {
  const { disk, batches, ends } = await markedAtFive();
  disk.overwrite(SEGMENT, disk.content(SEGMENT).subarray(0, ends[5] as number));
  await assertRecovered(disk, batches.slice(0, 5), 0);
});

test('damage below the recovery mark is damage, whatever follows', async () => {
  for (const at of [0, 9, 11, 13, 16, 18, 22, 30, 59, 64]) {
    const { disk, uid, ends } = await markedAtFive();
    disk.flipBit(SEGMENT, (ends[3] as number) + at, 1);
    await assertQuarantined(disk, uid, /offset 3 was synced \(up to 5\), but: /);
  }
});

test('a tail with whole batches behind a bad one is cut there, and the log is uncertain', async () => {
  for (const at of [0, 9, 11, 13, 16, 18, 22, 30, 59, 64]) {
    const { disk, uid, batches, ends } = await markedAtFive();
    disk.flipBit(SEGMENT, (ends[7] as number) + at, 1);
    await assertUncertain(
      disk,
      uid,
      batches.slice(0, 7),
      /offset 7: .*(a whole batch follows|does not belong there)/,
    );
  }
});

test('a hole of zeros that whole batches follow is cut off, and the log is uncertain', async () => {
  const { disk, uid, batches, ends } = await markedAtFive();
  const content = Buffer.from(disk.content(SEGMENT));
  content.fill(0, ends[6], ends[8]);
  disk.overwrite(SEGMENT, content);
  await assertUncertain(disk, uid, batches.slice(0, 6), /offset 6: .*, and a whole batch follows/);
});

test('a whole batch that does not belong there is cut off, and the log is uncertain', async () => {
  const foreign = {
    'its timestamp is 1, below 10': (log: Log) => nextBatch(log, { timestampMs: 1 }),
    'its epoch is 2, not 1': (log: Log) => nextBatch(log, { epoch: 2 }),
    'its offset is 0, not 10': (log: Log) => {
      const batch = nextBatch(log);
      stampBatch(batch, 0, 1);
      return batch;
    },
  };
  for (const [problem, make] of Object.entries(foreign)) {
    const { disk, uid, batches } = await markedAtFive();
    const ended = Buffer.from(disk.content(SEGMENT));
    const { log } = await openOn(disk);
    const batch = make(log);
    disk.kill();
    disk.overwrite(SEGMENT, Buffer.concat([ended, batch]));
    await assertUncertain(disk, uid, batches, new RegExp(`does not belong there: ${problem}`));
  }
});

test('that a log is uncertain is not forgotten, at whatever step of its start the power goes', async () => {
  for (let step = 1, isUp = false; !isUp; step += 1) {
    const { disk, uid, batches, ends } = await markedAtFive();
    disk.flipBit(SEGMENT, (ends[7] as number) + 30, 1);
    disk.stopAt = disk.operations + step;
    isUp = await endsBeforeStop(disk, openOn(disk));
    const random = new Random(step);
    disk.crash({ random: () => random.next(), keeps: 'any' });
    const { log, state } = await openOn(disk);
    assert.deepEqual(
      [log.uid, state.value.promisedEpoch, state.value.uncertain],
      [uid, 8, true],
      `step ${step}`,
    );
    assertBytes(await readAll(log), batches.slice(0, 7));
  }
});

test('damage in a sealed segment is found where its end is looked at', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 20, 8000);
  await log.sync();
  disk.crash(LOSE_ALL);
  disk.overwrite(SEGMENT, disk.content(SEGMENT).subarray(0, -1));
  await assertQuarantined(disk, log.uid, /segment 0, offset 7: /);
});

test('a missing segment is damage, in the middle or at the end', async () => {
  for (const [name, reason] of [
    ['8', /segment 0 ends at 8, the next begins at 16/],
    ['16', /offset 16 was synced \(up to \d+\), but: the log ends there/],
  ] as const) {
    const { log, disk } = await freshLog();
    appendMany(log, 20, 8000);
    await log.close();
    disk.crash(LOSE_ALL);
    await disk.remove(`/data/log/${name.padStart(20, '0')}.log`);
    await assertQuarantined(disk, log.uid, reason);
  }
});

test('a log without its mark, its checkpoint or any segment is damaged', async () => {
  for (const [name, reason] of [
    ['recovery-mark', /the recovery mark is missing/],
    ['leader-epoch-checkpoint', /the leader-epoch checkpoint is missing/],
  ] as const) {
    const { disk, uid } = await markedAtFive();
    await disk.remove(`/data/log/${name}`);
    await assertQuarantined(disk, uid, reason);
  }
  const { disk, uid } = await markedAtFive();
  await disk.remove(SEGMENT);
  const { recovered, log } = await openOn(disk);
  assert.match(recovered.quarantine?.reason ?? '', /there is no segment/);
  assert.notEqual(log.uid, uid);
});

test('a checkpoint that says something else than what was written is not believed', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 2);
  await log.addPair({ epoch: 2, start: 2 });
  await log.close();
  disk.crash(LOSE_ALL);
  const path = '/data/log/leader-epoch-checkpoint';
  assert.equal(disk.content(path).toString(), '0\n2\n1 0\n2 2\n');
  // One flipped bit makes epoch 3 of epoch 2: it would win elections that it must lose.
  disk.flipBit(path, '0\n2\n1 0\n'.length, 0);
  assert.equal(disk.content(path).toString(), '0\n2\n1 0\n3 2\n');
  await assertQuarantined(disk, log.uid, /checkpoint is not the one that was written/);
});

test('a damaged mark is not believed; one damaged slot of two is made good by the other', async () => {
  const { disk, uid, batches } = await markedAtFive();
  const path = '/data/log/recovery-mark';
  const mark = Buffer.from(disk.content(path));
  for (const slot of [0, 4096]) {
    const damaged = Buffer.from(mark);
    damaged[slot + 10] = (damaged[slot + 10] as number) ^ 1;
    disk.overwrite(path, damaged);
    disk.kill();
    const { log } = await openOn(disk);
    assert.equal(log.uid, uid);
    assertBytes(await readAll(log), batches);
    disk.kill();
  }
  const damaged = Buffer.from(mark);
  for (const slot of [0, 4096]) damaged[slot + 10] = (damaged[slot + 10] as number) ^ 1;
  disk.overwrite(path, damaged);
  await assertQuarantined(disk, uid, /the recovery mark cannot be read/);
});

test('a lost or damaged state file makes a new member: its promises are forgotten', async () => {
  const lost = await markedAtFive();
  await lost.disk.remove('/data/state');
  const { log, recovered } = await openOn(lost.disk);
  assert.deepEqual(recovered.quarantine, {
    reason: 'the state file is missing',
    folder: `quarantine-${log.uid}`,
    formerUid: null,
  });
  assert.notEqual(log.uid, lost.uid);
  assert.equal(log.end, 0);

  const damaged = await markedAtFive();
  for (const copy of [0, damaged.disk.content('/data/state').length / 2])
    damaged.disk.flipBit('/data/state', copy + 12);
  const opened = await openOn(damaged.disk);
  assert.equal(opened.recovered.quarantine?.reason, 'the state file is damaged');
  assert.notEqual(opened.log.uid, damaged.uid);
});

test('a log of a higher epoch than the promise is not believed: a promise was forgotten', async () => {
  const { log, disk, state } = await freshLog();
  const former = { ...PROMISE, promisedEpoch: 1 };
  await state.save(former);
  appendMany(log, 2);
  await log.sync();
  await settle();
  disk.kill();
  const stale = Buffer.from(disk.content('/data/state'));
  const second = await openOn(disk);
  assert.equal(second.recovered.quarantine, null);
  await second.state.save({ ...former, promisedEpoch: 2 });
  await second.log.addPair({ epoch: 2, start: 2 });
  await settle();
  disk.kill();
  assert.equal((await openOn(disk)).recovered.quarantine, null);
  disk.kill();
  disk.overwrite('/data/state', stale);
  await assertQuarantined(disk, log.uid, /the log is of epoch 2, the last promise of 1/);
});

test('a lost log directory makes a new member', async () => {
  const { disk, uid } = await markedAtFive();
  await disk.rename('/data/log', '/data/elsewhere');
  const { log, recovered } = await openOn(disk);
  assert.notEqual(log.uid, uid);
  assert.equal(recovered.quarantine?.formerUid, uid);
  assert.equal(recovered.quarantine?.folder, null);
});

test('a pair beyond the end is dropped', async () => {
  // A cut that crashes after the log and before the pairs leaves one: here its last steps never come.
  const { log, disk } = await freshLog();
  appendMany(log, 5);
  await log.addPair({ epoch: 2, start: 5 });
  appendMany(log, 2);
  await log.sync();
  await log.saveMark();
  disk.hooks.add(({ kind, path }) => {
    const isHeld = kind === 'open' && path.endsWith('leader-epoch-checkpoint.tmp');
    return isHeld ? new Promise<void>(() => {}) : undefined;
  });
  void log.truncate(3);
  while (disk.content(SEGMENT).length > 3 * 80) await new Promise(setImmediate);
  await new Promise(setImmediate);
  disk.hooks.clear();
  disk.kill();
  const again = await openOn(disk);
  assert.equal(again.recovered.quarantine, null);
  assert.equal(again.recovered.droppedPairs, 1);
  assert.deepEqual(again.log.position, { epoch: 1, end: 3 });
  disk.crash(LOSE_ALL);
  assert.deepEqual((await openOn(disk)).log.position, { epoch: 1, end: 3 });
});

test('what only the page cache has is made durable before it is vouched for', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 4);
  await new Promise(setImmediate);
  assert.equal(log.syncedEnd, 0);
  disk.kill();
  const again = await openOn(disk);
  assert.equal(again.log.syncedEnd, 4);
  disk.crash(LOSE_ALL);
  assertBytes(await readAll((await openOn(disk)).log), batches);
});

test('leftovers are removed', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 20, 8000);
  await log.sync();
  disk.kill();
  for (const name of ['state.tmp', '00000000000000000003.index', '00000000000000000099.producers', 'x.tmp'])
    await (await disk.open(`/data/log/${name}`, 'create')).close();
  const before = disk.names('/data/log');
  await openOn(disk);
  const gone = before.filter((name) => !disk.names('/data/log').includes(name));
  assert.deepEqual(gone, [
    '00000000000000000003.index',
    '00000000000000000099.producers',
    'state.tmp',
    'x.tmp',
  ]);
});

test('a missing index is made again from the log', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 20, 3000);
  appendMany(log, 4, 8000);
  await log.sync();
  disk.kill();
  const path = '/data/log/00000000000000000000.index';
  const index = Buffer.from(disk.content(path));
  assert.ok(index.length > 0);
  await disk.remove(path);
  await openOn(disk);
  assertBytes(disk.content(path), index);
});

test('a damaged producer snapshot is made good by the one before and the log', async () => {
  const { log, disk } = await freshLog();
  for (let sequence = 0; sequence < 30; sequence += 1)
    log.append([nextBatch(log, { values: ['x'.repeat(8000)], producer: { id: 3n, epoch: 0, sequence } })]);
  await log.sync();
  const expected = await log.producersAt(30);
  for (const base of ['24', '16']) {
    disk.kill();
    disk.flipBit(`/data/log/${base.padStart(20, '0')}.producers`, 20);
    const again = await openOn(disk);
    assert.equal(again.recovered.quarantine, null);
    assert.deepEqual(again.log.producer(3n), { id: 3n, epoch: 0, lastSequence: 29, lastOffset: 29 });
    assertBytes(await again.log.producersAt(30), expected);
  }
  disk.kill();
  disk.flipBit('/data/log/00000000000000000008.producers', 20);
  await (await openOn(disk)).log.deleteBelow(8);
  disk.kill();
  const { recovered } = await openOn(disk);
  assert.match(recovered.quarantine?.reason ?? '', /no producer snapshot up to 24 can be read/);
});

test('a second log on the same directory is refused until the first is closed', async () => {
  const { log, disk } = await freshLog();
  await assert.rejects(openOn(disk), {
    name: 'DirectoryLockedError',
    message: /\/data is in use by another log/,
  });
  await log.close();
  await (await openOn(disk)).log.close();
});

test('a failed opening leaves no lock behind', async () => {
  const { log, disk } = await freshLog();
  await log.close();
  const hook = (): void => {
    throw Object.assign(new Error('EIO: made to fail'), { code: 'EIO' });
  };
  disk.hooks.add(hook);
  await assert.rejects(openOn(disk), { code: 'EIO' });
  disk.hooks.clear();
  await (await openOn(disk)).log.close();
});

test('a new directory says so', async () => {
  const disk = new MemoryDisk();
  const { recovered, log, state } = await openOn(disk);
  assert.equal(recovered.created, true);
  assert.equal(recovered.quarantine, null);
  assert.deepEqual(state.value, {
    promisedEpoch: 0,
    promisedIncarnation: null,
    members: [],
    membersVersion: { epoch: 0, revision: 0 },
  });
  assert.deepEqual([log.first, log.end, log.syncedEnd, log.segmentCount], [0, 0, 0, 1]);
  await log.close();
  const again = await openOn(disk);
  assert.equal(again.recovered.created, false);
  assert.equal(again.log.uid, log.uid);
});
