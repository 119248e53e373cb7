// The real disk does what the interface says; the disk in memory, which the other tests use, is held to the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { type Disk, NodeDisk } from '../../../src/log/index.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';

const disks: Record<string, (t: TestContext) => Promise<{ disk: Disk; root: string }>> = {
  'the real disk': async (t) => {
    const root = await mkdtemp(`${tmpdir()}/node-disk-`);
    t.after(() => rm(root, { recursive: true }));
    return { disk: new NodeDisk(), root };
  },
  'the disk in memory': async () => {
    const disk = new MemoryDisk();
    await disk.makeDirectory('/root');
    return { disk, root: '/root' };
  },
};

async function contentOf(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read');
  const target = Buffer.alloc((await file.size()) + 5, '-');
  const count = await file.read(target, 0);
  await file.close();
  assert.equal(target.subarray(count).toString(), '-----');
  return target.subarray(0, count).toString();
}

const missing = { code: 'ENOENT' };

for (const [name, make] of Object.entries(disks)) {
  test(`${name}: bytes are written where they belong and read from there`, async (t) => {
    const { disk, root } = await make(t);
    const file = await disk.open(`${root}/a`, 'create');
    await file.write([Buffer.from('hello '), Buffer.from('big '), Buffer.from('world')], 0);
    await file.write([Buffer.from('BIG')], 6);
    await file.datasync();
    assert.equal(await file.size(), 15);
    const target = Buffer.alloc(4);
    assert.equal(await file.read(target, 6), 4);
    assert.equal(target.toString(), 'BIG ');
    assert.equal(await file.read(target, 13), 2);
    assert.equal(await file.read(target, 99), 0);
    await file.truncate(9);
    await file.close();
    assert.equal(await contentOf(disk, `${root}/a`), 'hello BIG');
  });

  test(`${name}: a file is made longer by zeros, which writes take the place of`, async (t) => {
    const { disk, root } = await make(t);
    const file = await disk.open(`${root}/a`, 'create');
    await file.write([Buffer.from('one')], 0);
    await file.extend(8);
    assert.equal(await file.size(), 8);
    await file.write([Buffer.from('two')], 3);
    await file.close();
    assert.equal(await contentOf(disk, `${root}/a`), 'onetwo\0\0');
  });

  test(`${name}: more buffers than the kernel takes at once are written all the same`, async (t) => {
    const { disk, root } = await make(t);
    const file = await disk.open(`${root}/a`, 'create');
    const buffers = Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index},`));
    await file.write(buffers, 0);
    await file.close();
    assert.equal(await contentOf(disk, `${root}/a`), Buffer.concat(buffers).toString());
  });

  test(`${name}: a write of nothing is done, whatever it is made of`, async (t) => {
    const { disk, root } = await make(t);
    const empty = Buffer.alloc(0);
    const file = await disk.open(`${root}/a`, 'create');
    await file.write([], 0);
    await file.write([empty], 0);
    await file.write(Array(2000).fill(empty), 7);
    assert.equal(await file.size(), 0);
    await file.write([empty, Buffer.from('one'), empty, Buffer.from('two'), empty], 0);
    await file.write([empty, Buffer.alloc(40_000, 'x'), empty], 6);
    assert.equal(await file.read(empty, 0), 0);
    await file.close();
    assert.equal(await contentOf(disk, `${root}/a`), `onetwo${'x'.repeat(40_000)}`);
  });

  test(`${name}: read and write need a file, create makes or empties one`, async (t) => {
    const { disk, root } = await make(t);
    await assert.rejects(disk.open(`${root}/a`, 'read'), missing);
    await assert.rejects(disk.open(`${root}/a`, 'write'), missing);
    for (const text of ['first', 'second']) {
      const file = await disk.open(`${root}/a`, 'create');
      assert.equal(await file.size(), 0);
      await file.write([Buffer.from(text)], 0);
      await file.close();
    }
    const file = await disk.open(`${root}/a`, 'write');
    await file.write([Buffer.from('S')], 0);
    await file.close();
    assert.equal(await contentOf(disk, `${root}/a`), 'Second');
  });

  test(`${name}: names are listed in order, moved and removed`, async (t) => {
    const { disk, root } = await make(t);
    assert.deepEqual(await disk.list(`${root}/none`), []);
    await disk.makeDirectory(`${root}/x/y`);
    await disk.makeDirectory(`${root}/x/y`);
    for (const file of ['b', 'a']) await (await disk.open(`${root}/x/${file}`, 'create')).close();
    assert.deepEqual(await disk.list(`${root}/x`), ['a', 'b', 'y']);
    await disk.rename(`${root}/x/b`, `${root}/x/a`);
    await disk.rename(`${root}/x/y`, `${root}/x/z`);
    await disk.remove(`${root}/x/none`);
    await disk.syncDirectory(`${root}/x`);
    assert.deepEqual(await disk.list(`${root}/x`), ['a', 'z']);
    await disk.rename(`${root}/x`, `${root}/w`);
    assert.deepEqual(await disk.list(`${root}/w`), ['a', 'z']);
    await disk.remove(`${root}/w/a`);
    assert.deepEqual(await disk.list(`${root}/w`), ['z']);
    await assert.rejects(disk.rename(`${root}/w/a`, `${root}/w/b`), missing);
    await assert.rejects(disk.syncDirectory(`${root}/none`), missing);
  });

  test(`${name}: room is known`, async (t) => {
    const { disk, root } = await make(t);
    assert.ok((await disk.freeBytes(root)) > 0);
  });

  test(`${name}: a directory is locked for one, until it is released`, async (t) => {
    const { disk, root } = await make(t);
    const lock = await disk.lock(root);
    await assert.rejects(disk.lock(root), {
      name: 'DirectoryLockedError',
      message: new RegExp(`^${root} is in use by `),
    });
    await lock.release();
    await (await disk.lock(root)).release();
  });
}

test('the lock says who holds it, and does without that where it must', async (t) => {
  const { disk, root } = await (disks['the real disk'] as (typeof disks)[string])(t);
  const lock = await disk.lock(root);
  await assert.rejects(disk.lock(root), { message: new RegExp(`in use by pid ${process.pid} on `) });
  await writeFile(`${root}/lock-holder`, '');
  await assert.rejects(disk.lock(root), { message: /in use by another process/ });
  await lock.release();
});

test('a directory that cannot be locked for another reason says that one', async (t) => {
  const { disk, root } = await (disks['the real disk'] as (typeof disks)[string])(t);
  await assert.rejects(
    disk.lock(`${root}/none`),
    (error) => error instanceof Error && error.name !== 'DirectoryLockedError',
  );
});

test('a directory whose lock file this user may not write is not locked, since nobody would be kept out', async (t) => {
  const { root } = await (disks['the real disk'] as (typeof disks)[string])(t);
  await writeFile(`${root}/lock`, '');
  await chmod(root, 0o777);
  await chmod(`${root}/lock`, 0o444);
  const module = new URL('../../../src/log/directory-lock.ts', import.meta.url).href;
  // Root may write everything: the child becomes somebody else first.
  const script = `
    import { lockDirectory } from ${JSON.stringify(module)};
    if (process.getuid() === 0) process.setuid(65534);
    await lockDirectory(${JSON.stringify(root)}).then(
      () => console.log('locked'),
      ({ name, message }) => console.log(name + ': ' + message));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  assert.match(
    stdout,
    /^DirectoryUnusableError: uid \d+ cannot lock \/.*\/lock, which it must be able to write: /,
  );
});
