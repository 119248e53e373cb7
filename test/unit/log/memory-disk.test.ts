// What the tests of the log lean on: that the disk in memory loses what it may lose, and keeps what it must.
import assert from 'node:assert/strict';
import test from 'node:test';
import { failAll } from '../../support/log-fixture.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { Random } from '../../support/random.ts';

const LOSE_ALL = { random: () => 0, keeps: 'none' } as const;

async function diskWithFile() {
  const disk = new MemoryDisk();
  await disk.makeDirectory('/d');
  const file = await disk.open('/d/a', 'create');
  await file.write([Buffer.from('synced.')], 0);
  await file.datasync();
  await disk.syncDirectory('/d');
  return { disk, file };
}

test('synced bytes under a synced name survive', async () => {
  const { disk } = await diskWithFile();
  disk.crash(LOSE_ALL);
  assert.equal(disk.content('/d/a').toString(), 'synced.');
});

test('a name that was not synced is lost with its synced bytes', async () => {
  const { disk } = await diskWithFile();
  const other = await disk.open('/d/b', 'create');
  await other.write([Buffer.from('x')], 0);
  await other.datasync();
  assert.deepEqual(disk.names('/d'), ['a', 'b']);
  disk.crash(LOSE_ALL);
  assert.deepEqual(disk.names('/d'), ['a']);
});

test('a rename or removal that was not synced is undone', async () => {
  const { disk } = await diskWithFile();
  await disk.rename('/d/a', '/d/b');
  disk.crash(LOSE_ALL);
  assert.deepEqual(disk.names('/d'), ['a']);
  await disk.remove('/d/a');
  disk.crash(LOSE_ALL);
  assert.deepEqual(disk.names('/d'), ['a']);
  await disk.remove('/d/a');
  await disk.syncDirectory('/d');
  disk.crash(LOSE_ALL);
  assert.deepEqual(disk.names('/d'), []);
});

test('what a failed sync covered is read until the power goes, and stored only where it is written again', async () => {
  const { disk, file } = await diskWithFile();
  await file.write([Buffer.from('lost.again.')], 7);
  const restore = failAll(disk, 'EIO', 'datasync');
  await assert.rejects(file.datasync(), { code: 'EIO' });
  restore();
  disk.kill();
  const next = await disk.open('/d/a', 'write');
  await next.write([Buffer.from('again.')], 12);
  await next.datasync();
  assert.equal(disk.content('/d/a').toString(), 'synced.lost.again.');
  disk.crash(LOSE_ALL);
  assert.equal(disk.content('/d/a').toString(), 'synced.\0\0\0\0\0again.');
});

test('names that a failed sync covered are seen until the power goes, and stored with the next change of names', async () => {
  for (const changes of [false, true]) {
    const { disk } = await diskWithFile();
    await disk.rename('/d/a', '/d/b');
    const restore = failAll(disk, 'EIO', 'syncDirectory');
    await assert.rejects(disk.syncDirectory('/d'), { code: 'EIO' });
    restore();
    disk.kill();
    if (changes) await disk.open('/d/c', 'create');
    await disk.syncDirectory('/d');
    assert.deepEqual(disk.names('/d'), changes ? ['b', 'c'] : ['b']);
    disk.crash(LOSE_ALL);
    assert.deepEqual(disk.names('/d'), changes ? ['b', 'c'] : ['a']);
  }
});

test('bytes written during a sync are not covered by it', async () => {
  const { disk, file } = await diskWithFile();
  await file.write([Buffer.from('before.')], 7);
  const sync = file.datasync();
  await file.write([Buffer.from('during.')], 14);
  await sync;
  assert.equal(disk.content('/d/a').toString(), 'synced.before.during.');
  disk.crash(LOSE_ALL);
  assert.equal(disk.content('/d/a').toString(), 'synced.before.');
});

test('a process that dies takes nothing with it but what it had under way', async () => {
  const { disk, file } = await diskWithFile();
  await file.write([Buffer.from('written.')], 7);
  let ended = false;
  void file.write([Buffer.from('under way')], 15).then(() => {
    ended = true;
  });
  disk.kill();
  await new Promise(setImmediate);
  assert.equal(ended, false);
  assert.equal(disk.content('/d/a').toString(), 'synced.written.');
});

test('of writes that were not synced a prefix survives, the last one torn; or any sectors', async () => {
  const random = new Random(1);
  const prefixes = new Set<number>();
  let holes = 0;
  for (let round = 0; round < 60; round += 1) {
    for (const keeps of ['prefix', 'any'] as const) {
      const { disk, file } = await diskWithFile();
      await file.write([Buffer.alloc(2000, 'A')], 7);
      await file.write([Buffer.alloc(2000, 'B')], 2007);
      disk.crash({ random: () => random.next(), keeps });
      const content = disk.content('/d/a');
      assert.equal(content.subarray(0, 7).toString(), 'synced.');
      const whole = Buffer.concat([content.subarray(0, 7), Buffer.alloc(2000, 'A'), Buffer.alloc(2000, 'B')]);
      const isPrefix = content.equals(whole.subarray(0, content.length));
      if (keeps === 'prefix') assert.ok(isPrefix);
      if (keeps === 'prefix') prefixes.add(content.length);
      else if (!isPrefix) holes += 1;
    }
  }
  assert.ok(prefixes.size > 20, 'torn anywhere');
  assert.ok(holes > 20, 'with holes');
});

test('a full disk takes what fits and says ENOSPC', async () => {
  const { disk, file } = await diskWithFile();
  disk.capacityBytes = 10;
  assert.equal(await disk.freeBytes('/d'), 3);
  await assert.rejects(file.write([Buffer.from('12'), Buffer.from('345')], 7), { code: 'ENOSPC' });
  assert.equal(disk.content('/d/a').toString(), 'synced.123');
  await file.write([Buffer.from('SYNCED')], 0);
});

test('hooks hold, fail and see operations', async () => {
  const { disk, file } = await diskWithFile();
  const seen: string[] = [];
  disk.hooks.add(({ kind, path }) => {
    seen.push(`${kind} ${path}`);
    if (kind === 'datasync') throw Object.assign(new Error('EIO'), { code: 'EIO' });
  });
  await file.write([Buffer.from('x')], 7);
  await assert.rejects(file.datasync(), { code: 'EIO' });
  assert.deepEqual(seen, ['write /d/a', 'datasync /d/a']);
});

test('after it stopped, nothing ends any more until the crash', async () => {
  const { disk, file } = await diskWithFile();
  disk.stopAt = disk.operations + 2;
  await file.write([Buffer.from('1')], 7);
  void file.write([Buffer.from('2')], 8);
  void file.write([Buffer.from('3')], 9);
  await new Promise(setImmediate);
  assert.ok(disk.stopped);
  disk.kill();
  assert.equal(disk.content('/d/a').toString(), 'synced.1');
  await (await disk.open('/d/a', 'write')).close();
});
