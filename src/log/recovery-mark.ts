// The recovery mark: a durable lower bound of what was synced. After a crash, damage below it is damage; only beyond it
// may a torn tail be cut. It also keeps the commit (so that it does not fall over a restart), the CRC of the
// leader-epoch checkpoint, whose own format has none, and the newest epoch pair until the checkpoint has it: a new leader
// waits for its pair, and exchanging the checkpoint takes three times as long as a write here.
//
// It is written in place, so that a full disk cannot stop it: two slots in turn, each with a number and a CRC, a sector
// apart. A torn write ruins one slot, and the other one still holds the mark before.

import { readLong, writeLong } from './batch.ts';
import { LogDamagedError } from './damage.ts';
import { type Disk, type DiskFile, vouched } from './disk.ts';
import { MARK_FILE } from './names.ts';
import { withCrc, withoutCrc } from './small-file.ts';
import type { EpochPair } from './types.ts';

export interface MarkValues {
  /** Everything below was on the disk when this was written. */
  readonly synced: number;
  /** Everything below was committed. Never above `synced`. */
  readonly commit: number;
  /** CRC-32C of the leader-epoch checkpoint that is there, or is about to be. */
  readonly pairsCrc: number;
  /** The last pair of the log, when that checkpoint lacks it. */
  readonly pending: EpochPair | null;
  /** The log begins here or, after a crash during a removal, before; null in a mark of an older logger, which does not say. */
  readonly first: number | null;
}

interface Slot extends MarkValues {
  readonly number: number;
}

const SLOT_DISTANCE_BYTES = 4096;
const BODY_SIZE_BYTES = 44;
const CRC_SIZE_BYTES = 4;
/** Older loggers read this much, and write no more. */
const OLD_SIZE_BYTES = BODY_SIZE_BYTES + CRC_SIZE_BYTES;
/** Behind it the first offset and a second CRC, of all before: it does not fit once an older logger has written the slot. */
const SLOT_SIZE_BYTES = OLD_SIZE_BYTES + 8 + CRC_SIZE_BYTES;

function encodeSlot({ number, synced, commit, pairsCrc, pending, first }: Slot): Buffer {
  const body = Buffer.alloc(BODY_SIZE_BYTES);
  writeLong(body, number, 0);
  writeLong(body, synced, 8);
  writeLong(body, commit, 16);
  body.writeUInt32BE(pairsCrc, 24);
  writeLong(body, pending?.epoch ?? 0, 28);
  writeLong(body, pending?.start ?? 0, 36);
  if (first === null) return withCrc(body);
  const extension = Buffer.alloc(8);
  writeLong(extension, first, 0);
  return withCrc(Buffer.concat([withCrc(body), extension]));
}

function firstIn(slot: Buffer): number | null {
  const bytes = withoutCrc(slot);
  const first = bytes === null ? null : readLong(bytes, OLD_SIZE_BYTES);
  return Number.isSafeInteger(first) ? first : null;
}

type Longs = [number, number, number, number, number];

async function readSlot(file: DiskFile, index: number): Promise<Slot | null> {
  const bytes = Buffer.alloc(SLOT_SIZE_BYTES);
  await file.read(bytes, index * SLOT_DISTANCE_BYTES);
  const body = withoutCrc(bytes.subarray(0, OLD_SIZE_BYTES));
  if (body === null) return null;
  const [number, synced, commit, epoch, start] = [0, 8, 16, 28, 36].map((at) => readLong(body, at)) as Longs;
  if (![number, synced, commit, epoch, start].every(Number.isSafeInteger) || commit > synced) return null;
  const pairsCrc = body.readUInt32BE(24);
  const pending = epoch === 0 ? null : { epoch, start };
  return { number, synced, commit, pairsCrc, pending, first: firstIn(bytes) };
}

export class RecoveryMark {
  readonly #file: DiskFile;
  #newest: Slot;
  /** One write at a time: the slots go in turn. */
  #writing: Promise<void> = Promise.resolve();
  /** The mark before the newest, when that was read: a change of pairs may have been under way at a crash. */
  readonly former: MarkValues | null;

  private constructor(file: DiskFile, newest: Slot, former: MarkValues | null) {
    this.#file = file;
    this.#newest = newest;
    this.former = former;
  }

  /** Makes the file of a new log. The caller syncs the directory. */
  static async create(disk: Disk, directory: string, values: MarkValues): Promise<RecoveryMark> {
    const file = await disk.open(`${directory}/${MARK_FILE}`, 'create');
    try {
      const slot = { number: 1, ...values };
      // Both slots take their room now, so that no later write has to ask for any.
      await file.write([Buffer.alloc(SLOT_DISTANCE_BYTES + SLOT_SIZE_BYTES)], 0);
      const mark = new RecoveryMark(file, slot, null);
      await mark.save(values);
      return mark;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Rejects with LogDamagedError when no slot can be read, with ENOENT when there is no file. The newest slot is written again: it
   * may be in the page cache only (see disk.ts), and the next save overwrites the other one.
   */
  static async open(disk: Disk, directory: string): Promise<RecoveryMark> {
    const file = await disk.open(`${directory}/${MARK_FILE}`, 'write');
    try {
      const slots = [await readSlot(file, 0), await readSlot(file, 1)].filter((slot) => slot !== null);
      const [newest, former] = slots.sort((one, other) => other.number - one.number);
      if (!newest) throw new LogDamagedError('the recovery mark cannot be read');
      const mark = new RecoveryMark(file, newest, former ?? null);
      await mark.#write(newest);
      return mark;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get values(): MarkValues {
    return this.#newest;
  }

  /** Durable when it resolves. */
  save(values: MarkValues): Promise<void> {
    return this.#inTurn(() => this.#write({ ...values, number: this.#newest.number + 1 }));
  }

  /**
   * As `save`, but in the place of the newest mark, leaving the one before as it is: for when the checkpoint there is still
   * the one that only the mark before knows.
   */
  amend(values: MarkValues): Promise<void> {
    return this.#inTurn(() => this.#write({ ...values, number: this.#newest.number + 2 }));
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#writing.then(write);
    // A failed write fails its caller; the next one must not wait for it for ever.
    this.#writing = written.catch(() => {});
    return written;
  }

  async #write(slot: Slot): Promise<void> {
    await this.#file.write([encodeSlot(slot)], (slot.number % 2) * SLOT_DISTANCE_BYTES);
    await vouched(this.#file.datasync());
    this.#newest = slot;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}
