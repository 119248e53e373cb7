// A failed fsync ends the log: nobody knows any more what is on the disk.
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
import type { Operation } from '../../support/memory-disk.ts';

async function logWithAlarm() {
  const alarms: Error[] = [];
  const opened = await freshLog({ onFatal: (error) => alarms.push(error) });
  return { ...opened, alarms };
}

const cases: [what: string, code: string, kind: Operation['kind'], pathEnd: string][] = [
  ['fdatasync of the log', 'EIO', 'datasync', '.log'],
  ['fdatasync of the log for want of room', 'ENOSPC', 'datasync', '.log'],
  ['write of the log', 'EIO', 'write', '.log'],
];

for (const [what, code, kind, pathEnd] of cases) {
  test(`a failed ${what} is told once and fails every call from then on`, async () => {
    const { log, disk, alarms, state } = await logWithAlarm();
    appendMany(log, 2);
    const restore = failAll(disk, code, kind, pathEnd);
    const pending = [log.sync(), log.sync()];
    const results = await Promise.allSettled(pending);
    restore();
    const [alarm] = alarms;
    assert.ok(alarm);
    assert.deepEqual(
      results.map((result) => result.status === 'rejected' && result.reason === alarm),
      [true, true],
    );
    assert.equal(log.syncedEnd, 0, 'nothing is vouched for');
    await assert.rejects(log.sync(), alarm);
    await assert.rejects(log.addPair({ epoch: 2, start: 2 }), alarm);
    await assert.rejects(log.truncate(0), alarm);
    await assert.rejects(log.deleteBelow(0), alarm);
    await assert.rejects(log.saveMark(), alarm);
    await assert.rejects(
      state.save({
        promisedEpoch: 5,
        promisedIncarnation: 'i',
        members: [],
        membersVersion: { epoch: 0, revision: 0 },
      }),
      alarm,
    );
    assert.throws(() => log.append([nextBatch(log)]), alarm);
    assert.throws(() => log.readRecent(0, { maxBytes: 1, below: 1 }), alarm);
    assert.equal(alarms.length, 1);
    await log.close();
  });
}

const changes: [string, string, Operation['kind'], string][] = [
  ['datasync', 'EIO', 'datasync', 'leader-epoch-checkpoint.tmp'],
  ['datasync for want of room', 'ENOSPC', 'datasync', 'leader-epoch-checkpoint.tmp'],
  ['directory sync', 'EIO', 'syncDirectory', '/log'],
  ['directory sync for want of room', 'ENOSPC', 'syncDirectory', '/log'],
  ['rename', 'EIO', 'rename', 'leader-epoch-checkpoint'],
  ['mark', 'EIO', 'datasync', 'recovery-mark'],
];

for (const [what, code, kind, pathEnd] of changes) {
  test(`a failed ${what} while a pair is stored ends the log`, async () => {
    const { log, disk, alarms } = await logWithAlarm();
    await settle();
    const restore = failAll(disk, code, kind, pathEnd);
    // The checkpoint gets the first pair before the mark gets the second one.
    await assert.rejects(log.addPair({ epoch: 2, start: 0 }));
    restore();
    assert.equal(alarms.length, 1);
    assert.deepEqual(log.pairs, [{ epoch: 1, start: 0 }]);
    await assert.rejects(log.sync());
  });
}

test('a failed sync of a segment that is full ends the log, whatever the reason', async () => {
  const { log, disk, alarms } = await logWithAlarm();
  appendMany(log, 8, 8000);
  await settle();
  const restore = failAll(disk, 'ENOSPC', 'datasync', '.log');
  appendMany(log, 1, 8000);
  await assert.rejects(log.sync());
  restore();
  assert.equal(alarms.length, 1);
});

test('a failed sync of the state file ends the log too', async () => {
  const { log, state, disk, alarms } = await logWithAlarm();
  appendMany(log, 1);
  const waiting = hold(disk, 'datasync', '.log');
  const synced = assert.rejects(log.sync());
  await waiting.arrived;
  const restore = failAll(disk, 'EIO', 'datasync', '/data/state');
  const { value } = state;
  await assert.rejects(state.save({ ...value, promisedEpoch: 2000 }));
  restore();
  assert.equal(state.value, value);
  assert.equal(alarms.length, 1);
  await synced;
  await assert.rejects(log.sync());
  waiting.release();
  await settle();
  assert.equal(alarms.length, 1);
});

test('after the process has ended and begun anew, what had been synced is there', async () => {
  const { log, disk } = await logWithAlarm();
  const kept = appendMany(log, 3);
  await log.sync();
  appendMany(log, 3);
  const restore = failAll(disk, 'EIO', 'datasync', '.log');
  await assert.rejects(log.sync());
  restore();
  disk.crash({ random: () => 0, keeps: 'none' });
  const again = await openOn(disk);
  assert.equal(again.recovered.quarantine, null);
  assertBytes(await readAll(again.log), Buffer.concat(kept));
});
