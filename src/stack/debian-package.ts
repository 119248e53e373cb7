// A program out of a Debian package, for machines that reach a Debian mirror and not the host of whoever made it. apt does the
// download and checks the signatures, with the mirror that the machine is configured for but with lists, sources and cache in a
// temporary directory: the system's own state stays as it is, nothing is installed, and nobody needs to be root.

import { execFile } from 'node:child_process';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';

const run = promisify(execFile);
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const commandTimeoutMs = 120_000;
const maxMirrors = 3;

export interface DebianPackage {
  /** As `bookworm`. */
  readonly release: string;
  readonly name: string;
}

/** Unpacks a package below `directory`, which is empty, and resolves with where its files are. */
export async function unpackDebian({ release, name }: DebianPackage, directory: string): Promise<string> {
  if (process.platform !== 'linux') throw new Error('only on Linux with apt');
  await Promise.all(['lists', 'cache', 'tree'].map((part) => mkdir(join(directory, part))));
  const apt = await temporaryApt(directory);
  const failures: string[] = [];
  for (const mirror of (await configuredMirrors(apt)).slice(0, maxMirrors)) {
    try {
      return await fromMirror(mirror, { release, name }, apt, directory);
    } catch (error) {
      failures.push(`${mirror}: ${messageOf(error).trim()}`);
    }
  }
  throw new Error(failures.join('; ') || 'apt has no Debian mirror configured');
}

type Apt = (...args: string[]) => Promise<string>;

/** apt-get with the machine's configuration (proxies, credentials) but with its own state, and without its hooks. */
async function temporaryApt(directory: string): Promise<Apt> {
  const config = join(directory, 'apt.conf');
  const root = process.getuid?.() === 0;
  await writeFile(
    config,
    [
      `Dir::State::Lists ${JSON.stringify(join(directory, 'lists'))};`,
      `Dir::Cache ${JSON.stringify(join(directory, 'cache'))};`,
      'Acquire::Languages "none";',
      'Acquire::Retries "2";',
      // The directory is ours alone, so apt's own user could not write there.
      ...(root ? ['APT::Sandbox::User "root";'] : []),
      '#clear APT::Update::Pre-Invoke;',
      '#clear APT::Update::Post-Invoke;',
      '#clear APT::Update::Post-Invoke-Success;',
      '',
    ].join('\n'),
  );
  return async (...args) => {
    const { stdout } = await run('apt-get', ['-c', config, ...args], {
      cwd: directory,
      timeout: commandTimeoutMs,
      env: { ...process.env, LC_ALL: 'C' },
    });
    return stdout;
  };
}

/** Asks apt which addresses an update would visit: that holds for every form of sources file, and before any update. */
async function configuredMirrors(apt: Apt): Promise<string[]> {
  return mirrorsIn(await apt('--print-uris', 'update'));
}

/** Distinct bases of the release files named, likely Debian mirrors first, security archives left out. */
export function mirrorsIn(uris: string): string[] {
  const bases = [...uris.matchAll(/^'([^']+?)\/dists\/[^']+'/gm)].map((match) => match[1] ?? '');
  const distinct = [...new Set(bases)].filter((base) => !/security/i.test(base));
  const debian = (base: string) => (/\/debian$/i.test(base) ? 0 : 1);
  return distinct.sort((a, b) => debian(a) - debian(b));
}

async function fromMirror(
  mirror: string,
  { release, name }: DebianPackage,
  apt: Apt,
  directory: string,
): Promise<string> {
  const sources = join(directory, 'sources.list');
  const signed = (await exists(keyring)) ? ` signed-by=${keyring}` : '';
  await writeFile(sources, `deb [target=Packages${signed}] ${mirror} ${release} main\n`);
  const only = ['-o', `Dir::Etc::SourceList=${sources}`, '-o', 'Dir::Etc::SourceParts=/dev/null'];
  await apt(...only, '-o', 'APT::Update::Error-Mode=any', 'update');
  await apt(...only, 'download', name);
  const archive = (await readdir(directory)).find((file) => file.endsWith('.deb'));
  if (!archive) throw new Error('apt downloaded no package');
  const tree = join(directory, 'tree');
  await run('dpkg', ['-x', join(directory, archive), tree], { timeout: commandTimeoutMs });
  return tree;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
