// Finds a Consul binary for the local stack and the tests: a given path, CONSUL_BIN, PATH, the project's cache, and
// only then a download into that cache. Whatever is found must answer `consul version` before it is used, and a
// download reaches its place in the cache by one rename, so that two processes at once never see half a file.

import { execFile } from 'node:child_process';
import { access, chmod, constants, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import { debianPackage } from './consul-debian.ts';
import { hashicorpRelease } from './consul-release.ts';

const run = promisify(execFile);
const versionTimeoutMs = 20_000;

export interface ConsulBinary {
  readonly path: string;
  readonly version: ConsulVersion;
}

export interface ConsulVersion {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

/** A place that Consul can be had from. `fetch` leaves the executable in the empty `directory` and returns its path. */
export interface BinarySource {
  readonly name: string;
  /** Names the file in the cache: another version is another file. */
  readonly label: string;
  fetch(directory: string): Promise<string>;
}

export interface FindOptions {
  /** A path from a flag or test; when set, nothing else is tried. */
  readonly given?: string | null;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Told about downloads and about candidates that did not work, one line each. */
  readonly note?: (line: string) => void;
  readonly sources?: readonly BinarySource[];
}

/** Consul was not found; the message tells what was tried and what to do. */
export class ConsulNotFound extends Error {
  override readonly name = 'ConsulNotFound';
}

export async function findConsul(options: FindOptions = {}): Promise<ConsulBinary> {
  const { environment = process.env, note = () => {}, sources = [hashicorpRelease, debianPackage] } = options;
  const chosen = options.given || environment.CONSUL_BIN;
  if (chosen) return demanded(chosen, options.given ? 'the given Consul binary' : 'CONSUL_BIN');

  const cache = cacheDirectory(environment);
  const cached = (source: BinarySource) =>
    join(cache, `consul-${source.label}-${process.platform}-${process.arch}`);
  for (const path of [...onPath(environment.PATH ?? ''), ...sources.map(cached)]) {
    const found = await tryBinary(path, note);
    if (found) return found;
  }
  const failures: string[] = [];
  for (const source of sources) {
    try {
      note(`fetching Consul: ${source.name}`);
      return await download(source, cached(source), cache);
    } catch (error) {
      failures.push(`  ${source.name}: ${messageOf(error)}`);
    }
  }
  throw new ConsulNotFound(
    [
      'Consul was not found. Install it (https://developer.hashicorp.com/consul/install) so that `consul` is on PATH,',
      'or set CONSUL_BIN to its binary, or give the address of a running Consul. Tried to fetch it:',
      ...failures,
    ].join('\n'),
  );
}

/** The binary's version; rejects when the file is no working Consul. */
async function consulVersion(path: string): Promise<ConsulVersion> {
  const { stdout } = await run(path, ['version'], { timeout: versionTimeoutMs });
  const match = /^Consul v?(\d+)\.(\d+)\.\d+\S*/.exec(stdout);
  if (!match) throw new Error(`${path} version printed no Consul version`);
  return { major: Number(match[1]), minor: Number(match[2]), text: match[0].replace(/^Consul v?/, '') };
}

async function demanded(path: string, from: string): Promise<ConsulBinary> {
  try {
    return { path, version: await consulVersion(path) };
  } catch (error) {
    throw new ConsulNotFound(`${from} (${path}) does not work: ${messageOf(error)}`);
  }
}

async function tryBinary(path: string, note: (line: string) => void): Promise<ConsulBinary | null> {
  try {
    await access(path, constants.X_OK);
  } catch {
    return null; // absent here, which is ordinary: the search goes on
  }
  try {
    return { path, version: await consulVersion(path) };
  } catch (error) {
    note(`passing over ${path}: ${messageOf(error)}`);
    return null;
  }
}

/** Fetches beside the cache, checks that the binary runs here, then moves it in by one rename. */
async function download(source: BinarySource, target: string, cache: string): Promise<ConsulBinary> {
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), 'distributed-logger-consul-'));
  const staged = await mkdtemp(join(cache, '.incoming-'));
  try {
    const file = join(staged, 'consul');
    await copyFile(await source.fetch(work), file);
    await chmod(file, 0o755);
    const version = await consulVersion(file);
    await rename(file, target);
    return { path: target, version };
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(staged, { recursive: true, force: true });
  }
}

const onPath = (path: string): string[] =>
  path
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'consul'));

const cacheDirectory = (environment: Readonly<Record<string, string | undefined>>): string =>
  join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'distributed-logger');
