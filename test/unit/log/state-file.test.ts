import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { hold, openOn } from '../../support/log-fixture.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';

const member = (id: string) => ({ id, uid: `uid of ${id}`, peer: `${id}:9090` });
const promise = (promisedEpoch: number) => ({
  promisedEpoch,
  promisedIncarnation: `incarnation ${promisedEpoch}`,
  members: [member('a'), member('ü')],
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
  const sync = hold(disk, 'syncDirectory', '/data');
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
  const sync = hold(disk, 'syncDirectory', '/data');
  void state.save(promise(7));
  await sync.arrived;
  disk.kill();
  assert.equal((await openOn(disk)).state.value.promisedEpoch, 7);
  disk.crash(LOSE_ALL);
  assert.equal((await openOn(disk)).state.value.promisedEpoch, 7);
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
  const sync = hold(disk, 'datasync', 'state.tmp');
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

test('no flipped bit in it is believed', async () => {
  const disk = new MemoryDisk();
  const { state, log } = await openOn(disk);
  await state.save(promise(7));
  disk.kill();
  const content = Buffer.from(disk.content('/data/state'));
  await fc.assert(
    fc.asyncProperty(fc.nat(content.length * 8 - 1), async (bit) => {
      const copy = new MemoryDisk();
      await openOn(copy);
      copy.kill();
      copy.overwrite('/data/state', content);
      copy.flipBit('/data/state', bit >> 3, bit & 7);
      const { recovered, log: other } = await openOn(copy);
      assert.equal(recovered.quarantine?.reason, 'the state file is damaged');
      assert.notEqual(other.uid, log.uid);
    }),
    { numRuns: 200 },
  );
});
