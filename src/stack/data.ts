// The directory of a stack: temporary and removed at the end, or given and kept. What must be the same when it is used again
// lies in a small file beside the logs: the cluster's name and the producer's id.
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../config.ts';

const FILE = 'stack.json';
const CLUSTER = 'local';

export interface StackData {
  readonly directory: string;
  readonly temporary: boolean;
  readonly cluster: string;
  readonly producerId: string;
}

/** `sharedConsul` tells that Consul may hold the registers of other stacks: then the cluster needs a name of its own. */
export async function openData(given: string | null, sharedConsul: boolean): Promise<StackData> {
  const directory = given === null ? await mkdtemp(join(tmpdir(), 'distributed-logger-')) : resolve(given);
  await mkdir(directory, { recursive: true });
  const file = join(directory, FILE);
  const kept = await keptIn(file);
  if (kept) return { directory, temporary: given === null, ...kept };
  const made = {
    cluster: sharedConsul ? `${CLUSTER}-${randomBytes(4).toString('hex')}` : CLUSTER,
    producerId: String(randomInt(1, 2 ** 47)),
  };
  await writeFile(file, `${JSON.stringify(made)}\n`, { flag: 'wx' });
  return { directory, temporary: given === null, ...made };
}

export async function removeData({ directory, temporary }: StackData): Promise<void> {
  if (temporary) await rm(directory, { recursive: true, force: true });
}

async function keptIn(file: string): Promise<Pick<StackData, 'cluster' | 'producerId'> | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { cluster, producerId } = JSON.parse(text) as Record<string, unknown>;
    if (typeof cluster === 'string' && typeof producerId === 'string') return { cluster, producerId };
  } catch {
    // No JSON, or `null`: as one without these fields.
  }
  throw new ConfigError([`--data: ${file} was not written by a stack`]);
}
