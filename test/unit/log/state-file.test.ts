import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { failAll, hold, openOn, settle } from '../../support/log-fixture.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';

const member = (id: string) => ({ id, uid: `uid of ${id}`, peer: `${id}:9090` });
const promise = (promisedEpoch: number) => ({
  promisedEpoch,
  promisedIncarnation: `incarnation ${promisedEpoch}`,
  members: [member('a'), member('ü')],
  membersVersion: { epoch: 3, revision: 9 },
});
const LOSE_ALL = { random: () => 0, keeps: 'none' } as const;

test('what was saved is there after a crash, all of it', async () => {
  const disk = new MemoryDisk();
  const { state, log } = await openOn(disk);
  await state.save(promise(7));
  assert.deepEqual(state.value, promise(7));
  disk.crash(LOSE_ALL);
  const again = await openOn(disk);
  assert.deepEqual(again.state.value, promise(7));
  assert.equal(again.log.uid, log.uid);
});

test('a promise counts when it is durable, not before', async () => {
  const disk = new MemoryDisk();
  const { state } = await openOn(disk);
  const sync = hold(disk, 'datasync', '/data/state');
  let saved = false;
  const save = state.save(promise(7)).then(() => {
    saved = true;
  });
  await sync.arrived;
  await new Promise(setImmediate);
  assert.equal(saved, false);
  assert.equal(state.value.promisedEpoch, 0);
  sync.release();
  await save;
  assert.equal(state.value.promisedEpoch, 7);
});

test('a promise that a restarted process sees stays seen', async () => {
  const disk = new MemoryDisk();
  const { state } = await openOn(disk);
  const sync = hold(disk, 'datasync', '/data/state');
  void state.save(promise(7));
  await sync.arrived;
  disk.kill();
  assert.equal((await openOn(disk)).state.value.promisedEpoch, 7);
  disk.crash(LOSE_ALL);
  assert.equal((await openOn(disk)).state.value.promisedEpoch, 7);
});

test('nobody waits for the second copy, but the next save does', async () => {
  const disk = new MemoryDisk();
  const { state } = await openOn(disk);
  const first = hold(disk, 'datasync', '/data/state');
  const save = state.save(promise(7));
  await first.arrived;
  const second = hold(disk, 'datasync', '/data/state');
  first.release();
  await save;
  await second.arrived;
  const next = state.save(promise(8));
  await settle();
  assert.equal(state.value.promisedEpoch, 7);
  second.release();
  await next;
  assert.equal(state.value.promisedEpoch, 8);
});

test('a copy that could not be made is made before the next save, or that one fails', async () => {
  const disk = new MemoryDisk();
  const { state } = await openOn(disk);
  await state.save(promise(7));
  await settle();
  const first = hold(disk, 'datasync', '/data/state');
  const save = state.save(promise(8));
  await first.arrived;
  const restore = failAll(disk, 'ENOSPC', 'write', '/data/state');
  first.release();
  await save;
  await assert.rejects(state.save(promise(9)), { code: 'disk-full' });
  assert.equal(state.value.promisedEpoch, 8);
  restore();
  const copying = hold(disk, 'datasync', '/data/state');
  const last = state.save(promise(9));
  await copying.arrived;
  const content = disk.content('/data/state');
  const middle = content.length / 2;
  assert.ok(
    content.subarray(0, middle).equals(content.subarray(middle)),
    'both copies are of promise 8 first',
  );
  copying.release();
  await last;
  await settle();
  disk.crash(LOSE_ALL);
  assert.equal((await openOn(disk)).state.value.promisedEpoch, 9);
});

test('members that outgrow the file get a larger one', async () => {
  const disk = new MemoryDisk();
  const { state } = await openOn(disk);
  const many = { ...promise(7), members: Array.from({ length: 100 }, (_, at) => member(`logger-${at}`)) };
  await state.save(many);
  await state.save({ ...many, promisedEpoch: 8 });
  disk.crash(LOSE_ALL);
  const again = await openOn(disk);
  assert.deepEqual(again.state.value, { ...many, promisedEpoch: 8 });
  await again.state.save(promise(9));
  disk.crash(LOSE_ALL);
  assert.deepEqual((await openOn(disk)).state.value, promise(9));
});

test('saves happen in the order of the calls', async () => {
  const disk = new MemoryDisk();
  const { state } = await openOn(disk);
  await Promise.all([1, 2, 3].map((epoch) => state.save(promise(epoch))));
  assert.equal(state.value.promisedEpoch, 3);
  disk.crash(LOSE_ALL);
  assert.equal((await openOn(disk)).state.value.promisedEpoch, 3);
});

test('closing the log waits for a promise under way', async () => {
  const disk = new MemoryDisk();
  const { state, log } = await openOn(disk);
  const sync = hold(disk, 'datasync', '/data/state');
  const save = state.save(promise(5));
  await sync.arrived;
  let closed = false;
  const close = log.close().then(() => {
    closed = true;
  });
  await new Promise(setImmediate);
  assert.equal(closed, false);
  await assert.rejects(openOn(disk), { name: 'DirectoryLockedError' });
  sync.release();
  await Promise.all([save, close]);
  assert.equal((await openOn(disk)).state.value.promisedEpoch, 5);
});

test('a flipped bit is mended from the other copy, and two are not believed', async () => {
  const disk = new MemoryDisk();
  const { state, log } = await openOn(disk);
  await state.save(promise(6));
  await state.save(promise(7));
  await settle();
  disk.kill();
  const content = Buffer.from(disk.content('/data/state'));
  const middle = content.length / 2;
  const bits = 8 * (content.indexOf('\n\n') + 1);
  assert.ok(bits > 0 && bits < 8 * middle);
  await fc.assert(
    fc.asyncProperty(fc.nat(bits - 1), fc.nat(bits - 1), async (one, other) => {
      const copy = new MemoryDisk();
      await openOn(copy);
      copy.kill();
      copy.overwrite('/data/state', content);
      const flip = (at: number, bit: number): void => copy.flipBit('/data/state', at + (bit >> 3), bit & 7);
      flip(one % 2 ? middle : 0, one);
      const mended = await openOn(copy);
      assert.equal(mended.recovered.quarantine, null);
      assert.deepEqual(mended.state.value, promise(7));
      assert.equal(mended.log.uid, log.uid);
      assert.deepEqual(copy.content('/data/state'), content);
      copy.kill();
      flip(0, one);
      flip(middle, other);
      const { recovered, log: stranger } = await openOn(copy);
      assert.equal(recovered.quarantine?.reason, 'the state file is damaged');
      assert.notEqual(stranger.uid, log.uid);
    }),
    { numRuns: 200 },
  );
});
