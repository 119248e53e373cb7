// What a logger must remember besides its log: the identity of its data directory, and its promise. A new leader waits for
// a majority of these writes, so a promise is written in place, into room that the file has already: one write and one
// fdatasync, without a change of names or sizes for the file system to journal.
//
// The file holds the same text twice. A save writes the first copy, and is durable with it; then the second one, for which
// nobody waits. A crash tears one of both at most: when the first is whole it is the newest, else the second is what was
// saved before. So a promise is either the former one or the new one, and damage to one copy is mended from the other.

import { crc32c } from '@node-rs/crc32';
import { LoggerError } from '../errors.ts';
import { type Disk, type DiskFile, isMissing, isNoRoom, vouched } from './disk.ts';
import type { Fatal } from './fatal.ts';
import { STATE_FILE } from './names.ts';
import { SMALL_FILE_MAX_BYTES, writeWhole } from './small-file.ts';
import type { Member, MembersVersion, ReplicaState, StateFile } from './types.ts';

const UNKNOWN_VERSION: MembersVersion = { epoch: 0, revision: 0 };

export const NOTHING_PROMISED: ReplicaState = {
  promisedEpoch: 0,
  promisedIncarnation: null,
  members: [],
  membersVersion: UNKNOWN_VERSION,
};

/** Room for one copy: some twenty members. A text that outgrows it is given twice as much, in a new file. */
const COPY_SIZE_BYTES = 4096;

export interface Identity {
  readonly uid: string;
  readonly value: ReplicaState;
}

const isMember = (member: unknown): member is Member => {
  const { id, uid, peer } = (member ?? {}) as Partial<Record<keyof Member, unknown>>;
  return typeof id === 'string' && typeof uid === 'string' && typeof peer === 'string';
};

/** Two lines, JSON and the JSON's CRC-32C; whatever stands behind them is of no meaning. */
function formatState({ uid, value }: Identity): Buffer {
  const { promisedEpoch, promisedIncarnation, members, membersVersion, uncertain } = value;
  const json = JSON.stringify({
    uid,
    promisedEpoch,
    promisedIncarnation,
    members,
    membersVersion,
    uncertain,
  });
  return Buffer.from(`${json}\n${crc32c(json)}\n`);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function isVersion(value: unknown): value is MembersVersion {
  const { epoch, revision } = (value ?? {}) as Partial<Record<keyof MembersVersion, unknown>>;
  return isCount(epoch) && isCount(revision);
}

/** None for what is no JSON object: a CRC only tells that the bytes are those that somebody wrote. */
function fieldsIn(json: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(json) ?? {};
  } catch {
    return {};
  }
}

function parseState(bytes: Buffer): Identity | null {
  const [json = '', crc, ...rest] = bytes.toString('utf8').split('\n', 3);
  if (crc !== String(crc32c(json)) || rest.length === 0) return null;
  // A file from before members had a version lacks it.
  const {
    uid,
    promisedEpoch,
    promisedIncarnation,
    members,
    membersVersion = UNKNOWN_VERSION,
    uncertain,
  } = fieldsIn(json);
  if (typeof uid !== 'string' || !isCount(promisedEpoch)) return null;
  if (promisedIncarnation !== null && typeof promisedIncarnation !== 'string') return null;
  if (!Array.isArray(members) || !members.every(isMember)) return null;
  if (!isVersion(membersVersion)) return null;
  const value = { promisedEpoch, promisedIncarnation, members, membersVersion };
  return { uid, value: uncertain === true ? { ...value, uncertain } : value };
}

/** The file with both copies, which take their room now. */
function layOut(text: Buffer): Buffer {
  let size = COPY_SIZE_BYTES;
  while (size < text.length) size *= 2;
  const bytes = Buffer.alloc(2 * size, '\n');
  text.copy(bytes, 0);
  text.copy(bytes, size);
  return bytes;
}

/**
 * What the state file says; `damaged` when neither copy can be believed. Both are equal and durable afterwards: what a
 * process finds may be in the page cache only, clean since a sync failed, or half of what a crash interrupted. From here on
 * it counts, so both copies are written again.
 */
export async function loadState(disk: Disk, directory: string): Promise<Identity | 'missing' | 'damaged'> {
  let file: DiskFile;
  try {
    file = await disk.open(`${directory}/${STATE_FILE}`, 'write');
  } catch (error) {
    if (isMissing(error)) return 'missing';
    throw error;
  }
  try {
    const size = await file.size();
    if (size > SMALL_FILE_MAX_BYTES) return 'damaged';
    const bytes = Buffer.alloc(size);
    await file.read(bytes, 0);
    const middle = Math.floor(bytes.length / 2);
    const [one, two] = [bytes.subarray(0, middle), bytes.subarray(middle)];
    const first = parseState(one);
    const found = first ?? parseState(two);
    if (!found) return 'damaged';
    // A copy must not begin at half a byte, nor in the other one's room: a file cut or grown is laid out anew.
    if (size % (2 * COPY_SIZE_BYTES) !== 0) {
      await saveState(disk, directory, found);
      return found;
    }
    // The first one first: if a save of it failed, the second one is all that is on the disk.
    for (const at of [0, middle]) {
      await file.write([first ? one : two], at);
      await vouched(file.datasync());
    }
    return found;
  } finally {
    await file.close();
  }
}

/** Makes or replaces the whole file. */
export const saveState = (disk: Disk, directory: string, identity: Identity): Promise<void> =>
  writeWhole(disk, directory, STATE_FILE, layOut(formatState(identity)));

export class DurableState implements StateFile {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #uid: string;
  readonly #fatal: Fatal;
  #value: ReplicaState;
  /** Opened by the first save, kept until the end. */
  #file: DiskFile | null = null;
  #copySize = 0;
  /** Stands in the first copy and not yet in the second. */
  #uncopied: Buffer | null = null;
  #saving: Promise<void> = Promise.resolve();

  constructor(disk: Disk, directory: string, identity: Identity, fatal: Fatal) {
    this.#disk = disk;
    this.#directory = directory;
    this.#uid = identity.uid;
    this.#value = identity.value;
    this.#fatal = fatal;
    // A takeover waits for the first save: what opening takes is done before.
    this.#saving = this.#guarded(async () => void (await this.#opened())).catch(() => {});
  }

  get value(): ReplicaState {
    return this.#value;
  }

  /** Saves happen in the order of the calls. Rejects with `disk-full` and nothing changed; other failures are fatal. */
  save(value: ReplicaState): Promise<void> {
    const saved = this.#saving.then(() => this.#guarded(() => this.#save(value)));
    // What cannot be copied now is copied before the next save, which fails otherwise.
    this.#saving = saved.then(() => this.#guarded(() => this.#copy())).catch(() => {});
    return saved;
  }

  /** Resolves when the saves asked for so far have ended; none may follow. */
  async close(): Promise<void> {
    await this.#saving;
    await this.#file?.close();
    this.#file = null;
  }

  /** Never is one copy written while the other is in doubt. */
  async #save(value: ReplicaState): Promise<void> {
    await this.#copy();
    const text = formatState({ uid: this.#uid, value });
    const file = await this.#opened();
    if (text.length > this.#copySize) await this.#replace(value);
    else {
      await this.#write(file, text, 0);
      this.#uncopied = text;
    }
    this.#value = value;
  }

  async #copy(): Promise<void> {
    if (!this.#uncopied) return;
    await this.#write(await this.#opened(), this.#uncopied, this.#copySize);
    this.#uncopied = null;
  }

  async #write(file: DiskFile, text: Buffer, at: number): Promise<void> {
    await file.write([text], at);
    await vouched(file.datasync());
  }

  async #opened(): Promise<DiskFile> {
    if (this.#file) return this.#file;
    const file = await this.#disk.open(`${this.#directory}/${STATE_FILE}`, 'write');
    this.#copySize = (await file.size()) / 2;
    this.#file = file;
    return file;
  }

  async #replace(value: ReplicaState): Promise<void> {
    await saveState(this.#disk, this.#directory, { uid: this.#uid, value });
    await this.#file?.close();
    this.#file = null;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    this.#fatal.check();
    try {
      await work();
    } catch (error) {
      if (isNoRoom(error)) throw new LoggerError('disk-full', 'no room to store a promise', { cause: error });
      throw this.#fatal.raise(error);
    }
  }
}
