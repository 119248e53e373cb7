import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type BinarySource, ConsulNotFound, findConsul } from '../../../src/stack/consul-binary.ts';
import { archiveName, sumOf } from '../../../src/stack/consul-release.ts';
import { mirrorsIn } from '../../../src/stack/debian-package.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'consul-binary-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A program that answers `version` as Consul does. */
async function fakeConsul(folder: string, version: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'consul');
  await writeFile(path, `#!/bin/sh\necho "Consul v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

const source = (name: string, fetch: BinarySource['fetch']): BinarySource => ({ name, label: name, fetch });
const unreachable = (name: string) =>
  source(name, async () => {
    throw new Error(`${name} cannot be reached`);
  });
const nowhere = () => ({ PATH: join(dir, 'empty'), XDG_CACHE_HOME: join(dir, 'cache') });

describe('findConsul', () => {
  it('takes the given path before everything else', async () => {
    const given = await fakeConsul(join(dir, 'given'), '1.9.1');
    const other = await fakeConsul(join(dir, 'other'), '1.8.0');
    const found = await findConsul({ given, environment: { ...nowhere(), CONSUL_BIN: other }, sources: [] });
    assert.deepEqual(found, { path: given, version: { major: 1, minor: 9, text: '1.9.1' } });
  });

  it('takes CONSUL_BIN before PATH, and PATH before the cache', async () => {
    const chosen = await fakeConsul(join(dir, 'chosen'), '1.1.1');
    const installed = await fakeConsul(join(dir, 'bin'), '1.2.2');
    const fetched = source('fetched', async (folder) => fakeConsul(folder, '1.3.3'));
    const environment = { PATH: join(dir, 'bin'), XDG_CACHE_HOME: join(dir, 'cache') };
    const sources = [fetched];
    const filled = await findConsul({ environment: nowhere(), sources });
    assert.equal(filled.version.text, '1.3.3');
    assert.equal(
      (await findConsul({ environment: { ...environment, CONSUL_BIN: chosen }, sources })).path,
      chosen,
    );
    assert.equal((await findConsul({ environment, sources })).path, installed);
    assert.equal(
      (await findConsul({ environment: nowhere(), sources: [unreachable('fetched')] })).path,
      filled.path,
    );
  });

  it('says which chosen binary does not work, and does not look further', async () => {
    const environment = { ...nowhere(), CONSUL_BIN: join(dir, 'missing') };
    const sources = [source('fetched', async (folder) => fakeConsul(folder, '1.3.3'))];
    await assert.rejects(findConsul({ environment, sources }), (error: Error) => {
      assert.ok(error instanceof ConsulNotFound);
      assert.match(error.message, /^CONSUL_BIN \(.*missing\) does not work/);
      return true;
    });
  });

  it('passes over a program on PATH that is no Consul, and says so', async () => {
    const bin = join(dir, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'consul'), '#!/bin/sh\necho something else\n', { mode: 0o755 });
    const notes: string[] = [];
    const found = await findConsul({
      environment: { ...nowhere(), PATH: bin },
      note: (line) => notes.push(line),
      sources: [source('fetched', async (folder) => fakeConsul(folder, '1.3.3'))],
    });
    assert.equal(found.version.text, '1.3.3');
    assert.match(notes[0] ?? '', /^passing over .*consul: .*printed no Consul version/);
  });

  it('tries the sources in turn and ends with one message that names each and what to do', async () => {
    const sources = [unreachable('first'), unreachable('second')];
    await assert.rejects(findConsul({ environment: nowhere(), sources }), (error: Error) => {
      assert.ok(error instanceof ConsulNotFound);
      assert.match(error.message, /CONSUL_BIN/);
      assert.match(error.message, /first: first cannot be reached\n.*second: second cannot be reached/);
      return true;
    });
    const found = await findConsul({
      environment: nowhere(),
      sources: [unreachable('first'), source('third', async (folder) => fakeConsul(folder, '1.4.4'))],
    });
    assert.equal(found.version.text, '1.4.4');
  });

  it('never puts a download into the cache that does not run here', async () => {
    const broken = source('broken', async (folder) => {
      const path = join(folder, 'consul');
      await writeFile(path, 'not a program');
      return path;
    });
    await assert.rejects(findConsul({ environment: nowhere(), sources: [broken] }), ConsulNotFound);
    assert.deepEqual(await readdir(join(dir, 'cache', 'distributed-logger')), []);
  });

  it('fills the cache from many at once and leaves one whole file', async () => {
    const sources = [source('fetched', async (folder) => fakeConsul(folder, '1.3.3'))];
    const found = await Promise.all(
      Array.from({ length: 8 }, () => findConsul({ environment: nowhere(), sources })),
    );
    assert.equal(new Set(found.map(({ path }) => path)).size, 1);
    assert.equal((await readdir(join(dir, 'cache', 'distributed-logger'))).length, 1);
  });
});

describe('sources', () => {
  it('names the archive of each platform and refuses others', () => {
    assert.match(archiveName('linux', 'x64'), /^consul_1\.\d+\.\d+_linux_amd64\.zip$/);
    assert.match(archiveName('darwin', 'arm64'), /_darwin_arm64\.zip$/);
    assert.throws(() => archiveName('aix', 'ppc64'), /no release is known for aix/);
  });

  it('finds a checksum by exact name', () => {
    const sum = 'a'.repeat(64);
    const sums = `${'b'.repeat(64)}  consul_1_other.zip\n${sum}  consul_1.zip\n`;
    assert.equal(sumOf(sums, 'consul_1.zip'), sum);
    assert.throws(() => sumOf(sums, 'consul_2.zip'), /does not name consul_2\.zip/);
  });

  it('reads the mirrors out of what apt would visit, without security archives', () => {
    const uris = [
      "'http://packages.example/apt/dists/stable/InRelease' packages.example_apt_dists_stable_InRelease 0 ",
      "'http://mirror.example/debian/dists/bookworm/InRelease' a 0 ",
      "'http://mirror.example/debian/dists/bookworm-updates/InRelease' b 0 ",
      "'http://mirror.example/debian-security/dists/bookworm-security/InRelease' c 0 ",
    ].join('\n');
    assert.deepEqual(mirrorsIn(uris), ['http://mirror.example/debian', 'http://packages.example/apt']);
    assert.deepEqual(mirrorsIn(''), []);
  });
});
