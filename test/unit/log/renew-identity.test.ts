// A copied data directory under a uid of its own: the log and the promise stay, and nothing is changed where that cannot be.
import assert from 'node:assert/strict';
import test from 'node:test';
import { renewIdentity } from '../../../src/log/index.ts';
import { DIRECTORY, freshLog, openOn } from '../../support/log-fixture.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';

const renew = (disk: MemoryDisk, uid = 'new') =>
  renewIdentity({ disk, directory: DIRECTORY, randomUuid: () => uid });
const member = (id: string, uid: string) => ({ id, uid, peer: `${id}:9090` });

test('the uid is new, also among the members last seen; log and promise are as they were', async () => {
  const { disk, log, state } = await freshLog();
  const former = log.uid;
  const membersVersion = { epoch: 2, revision: 3 };
  const promise = { promisedEpoch: 7, promisedIncarnation: 'i', membersVersion };
  await state.save({ ...promise, members: [member('a', former), member('b', 'other')] });
  const { pairs, end } = log;
  await log.close();
  assert.deepEqual(await renew(disk), { formerUid: former, uid: 'new' });
  const again = await openOn(disk);
  assert.equal(again.log.uid, 'new');
  assert.equal(again.recovered.quarantine, null);
  assert.deepEqual([again.log.pairs, again.log.end], [pairs, end]);
  assert.deepEqual(again.state.value, { ...promise, members: [member('a', 'new'), member('b', 'other')] });
});

test('it is durable when it is said to be', async () => {
  const { disk, log } = await freshLog();
  await log.close();
  await renew(disk);
  disk.crash({ random: () => 0, keeps: 'none' });
  assert.equal((await openOn(disk)).log.uid, 'new');
});

test('refused while a logger runs on it', async () => {
  const { disk, log } = await freshLog();
  await assert.rejects(renew(disk), /is in use/);
  await log.close();
  await renew(disk);
});

test('refused, and nothing left behind, where there is no data directory', async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory(DIRECTORY);
  await assert.rejects(renew(disk), /no data directory/);
  assert.deepEqual(await disk.list(DIRECTORY), []);
});

test('refused where the state file cannot be read; the lock is free afterwards', async () => {
  const { disk, log } = await freshLog();
  await log.close();
  const file = await disk.open(`${DIRECTORY}/state`, 'write');
  await file.write([Buffer.alloc(await file.size())], 0);
  await file.datasync();
  await file.close();
  await assert.rejects(renew(disk), /state file.*damaged/);
  assert.notEqual((await openOn(disk)).recovered.quarantine, null);
});
