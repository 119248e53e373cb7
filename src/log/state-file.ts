// What a logger must remember besides its log: the identity of its data directory, and its promise. A small file of two
// lines, JSON and the JSON's CRC-32C, replaced as a whole: a promise is either the former one or the new one.

import { crc32c } from '@node-rs/crc32';
import { LoggerError } from '../errors.ts';
import { type Disk, isNoRoom } from './disk.ts';
import type { Fatal } from './fatal.ts';
import { STATE_FILE } from './names.ts';
import { readWhole, writeWhole } from './small-file.ts';
import type { Member, ReplicaState, StateFile } from './types.ts';

export const NOTHING_PROMISED: ReplicaState = { promisedEpoch: 0, promisedIncarnation: null, members: [] };

export interface Identity {
  readonly uid: string;
  readonly value: ReplicaState;
}

const isMember = (member: unknown): member is Member => {
  const { id, uid, peer } = (member ?? {}) as Partial<Record<keyof Member, unknown>>;
  return typeof id === 'string' && typeof uid === 'string' && typeof peer === 'string';
};

function formatState({ uid, value }: Identity): Buffer {
  const { promisedEpoch, promisedIncarnation, members } = value;
  const json = JSON.stringify({ uid, promisedEpoch, promisedIncarnation, members });
  return Buffer.from(`${json}\n${crc32c(json)}\n`);
}

function parseState(bytes: Buffer): Identity | null {
  const [json = '', crc, ...rest] = bytes.toString('utf8').split('\n');
  if (crc !== String(crc32c(json)) || rest.length !== 1 || rest[0] !== '') return null;
  const { uid, promisedEpoch, promisedIncarnation, members } = JSON.parse(json);
  if (typeof uid !== 'string' || !Number.isSafeInteger(promisedEpoch)) return null;
  if (promisedIncarnation !== null && typeof promisedIncarnation !== 'string') return null;
  if (!Array.isArray(members) || !members.every(isMember)) return null;
  return { uid, value: { promisedEpoch, promisedIncarnation, members } };
}

/** What the state file says; `damaged` when it cannot be believed. */
export async function loadState(disk: Disk, directory: string): Promise<Identity | 'missing' | 'damaged'> {
  const bytes = await readWhole(disk, `${directory}/${STATE_FILE}`);
  return bytes === null ? 'missing' : (parseState(bytes) ?? 'damaged');
}

export const saveState = (disk: Disk, directory: string, identity: Identity): Promise<void> =>
  writeWhole(disk, directory, STATE_FILE, formatState(identity));

export class DurableState implements StateFile {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #uid: string;
  readonly #fatal: Fatal;
  #value: ReplicaState;
  #saving: Promise<void> = Promise.resolve();

  constructor(disk: Disk, directory: string, identity: Identity, fatal: Fatal) {
    this.#disk = disk;
    this.#directory = directory;
    this.#uid = identity.uid;
    this.#value = identity.value;
    this.#fatal = fatal;
  }

  get value(): ReplicaState {
    return this.#value;
  }

  /** Saves happen in the order of the calls. Rejects with `disk-full` and nothing changed; other failures are fatal. */
  save(value: ReplicaState): Promise<void> {
    const saved = this.#saving.then(() => this.#save(value));
    this.#saving = saved.catch(() => {});
    return saved;
  }

  /** Resolves when the saves asked for so far have ended. */
  async settled(): Promise<void> {
    await this.#saving;
  }

  async #save(value: ReplicaState): Promise<void> {
    this.#fatal.check();
    try {
      await saveState(this.#disk, this.#directory, { uid: this.#uid, value });
      this.#value = value;
    } catch (error) {
      if (isNoRoom(error)) throw new LoggerError('disk-full', 'no room to store a promise', { cause: error });
      throw this.#fatal.raise(error);
    }
  }
}
