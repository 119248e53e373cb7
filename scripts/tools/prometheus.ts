// Prometheus and promtool: PROMETHEUS_BIN and PROMTOOL_BIN, then PATH, then the binaries in Debian's package, unpacked into the
// cache and not installed: an installed one would run as a service.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { unpackDebian } from '../../src/stack/debian-package.ts';
import { cached } from './cache.ts';
import { findProgram, ToolMissing } from './program.ts';

type Command = 'prometheus' | 'promtool';
const COMMANDS: readonly Command[] = ['prometheus', 'promtool'];
const debianPackage = { release: 'bookworm', name: 'prometheus' };

export const findPrometheus = (): Promise<string> => find('PROMETHEUS_BIN', 'prometheus');
export const findPromtool = (): Promise<string> => find('PROMTOOL_BIN', 'promtool');

async function find(variable: string, command: Command): Promise<string> {
  const found = findProgram(variable, command);
  if (found) return found;
  try {
    return join(await cached(`prometheus-${debianPackage.release}`, unpack), command);
  } catch (error) {
    throw new ToolMissing(
      `${command} was not found: install Prometheus so that it is on PATH (Debian: apt-get install prometheus), or set ` +
        `${variable}. Debian's package could not be fetched: ${messageOf(error)}`,
    );
  }
}

async function unpack(target: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-prometheus-'));
  try {
    const tree = await unpackDebian(debianPackage, directory);
    for (const command of COMMANDS) await copyFile(join(tree, 'usr/bin', command), join(target, command));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
