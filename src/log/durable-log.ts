// The log as its users see it (types.ts): content in memory, a writer that brings the disk after it, a reader for what
// memory does not hold, and one change of it at a time. Each call checks that it may come now and goes to the part that
// does it.

import { LoggerError } from '../errors.ts';
import { truncate } from './cut.ts';
import type { DirectoryLock } from './disk.ts';
import type { Fatal } from './fatal.ts';
import { lastEpoch } from './pairs.ts';
import type { LogParts } from './parts.ts';
import { encodeProducers } from './producer-snapshot.ts';
import { producersAt } from './producers-at.ts';
import { offsetGone } from './reader.ts';
import { reset } from './reset.ts';
import { deleteBelow, type RetentionPolicy, retain } from './retention.ts';
import type { Room } from './room.ts';
import type { DurableState } from './state-file.ts';
import { addPair, cutPairsAbove, settlePairs } from './store-pairs.ts';
import type {
  EpochPair,
  Log,
  Position,
  ProducerStamp,
  ProducerState,
  ProducerVerdict,
  Synced,
} from './types.ts';

export interface DurableLogParts extends LogParts {
  readonly uid: string;
  readonly room: Room;
  readonly fatal: Fatal;
  readonly state: DurableState;
  readonly lock: DirectoryLock;
  /** Bound of what is appended and not yet written. */
  readonly unwrittenMaxBytes: number;
}

export class DurableLog implements Log {
  readonly #parts: DurableLogParts;
  /** The change under way; nothing is appended until it has ended. */
  #changing: string | null = null;
  #closed: Promise<void> | null = null;

  constructor(parts: DurableLogParts) {
    this.#parts = parts;
  }

  get uid(): string {
    return this.#parts.uid;
  }
  get first(): number {
    return this.#parts.content.first;
  }
  get end(): number {
    return this.#parts.content.end;
  }
  get syncedEnd(): number {
    return this.#parts.writer.syncedEnd;
  }
  get generation(): number {
    return this.#parts.writer.generation;
  }
  get position(): Position {
    return { epoch: lastEpoch(this.pairs), end: this.end };
  }
  get pairs(): readonly EpochPair[] {
    return this.#parts.content.pairs;
  }
  get storedCommit(): number {
    return this.#parts.mark.values.commit;
  }
  get sizeBytes(): number {
    return this.#parts.content.segments.sizeBytes;
  }
  get segmentCount(): number {
    return this.#parts.content.segments.list.length;
  }
  get lastTimestampMs(): number {
    return this.#parts.content.lastTimestampMs;
  }
  /** What is damaged in the log, as far as reads have found out; null while nothing is. */
  get damage(): string | null {
    return this.#parts.reader.damage;
  }
  get full(): boolean {
    return this.#parts.room.isFull;
  }

  /** Bytes from `offset` to the end, as memory knows them: exact to an index entry in the last segment, a guess before. */
  bytesFrom(offset: number): number {
    const { segments, first, end } = this.#parts.content;
    return segments.bytesFrom(Math.max(first, Math.min(offset, end)), end);
  }

  append(batches: readonly Buffer[]): void {
    const { fatal, content, writer, unwrittenMaxBytes } = this.#parts;
    fatal.check();
    if (this.#changing) throw new Error(`append during ${this.#changing}`);
    const parsed = content.parse(batches);
    let size = 0;
    for (const { bytes } of parsed) size += bytes.length;
    const unwritten = content.window.unwrittenBytes;
    if (unwritten > 0 && unwritten + size > unwrittenMaxBytes)
      throw new LoggerError('overloaded', `${unwritten} bytes wait for the disk`);
    if (!writer.reserve(size)) throw new LoggerError('disk-full');
    content.append(parsed);
    writer.wake();
  }

  sync(): Promise<Synced> {
    return this.#parts.writer.sync();
  }

  truncate(end: number): Promise<void> {
    return this.#change('truncate', () => truncate(this.#parts, end));
  }

  addPair(pair: EpochPair): Promise<void> {
    return this.#change('addPair', () => addPair(this.#parts, pair));
  }

  cutPairsAbove(epoch: number): Promise<void> {
    return this.#change('cutPairsAbove', () => cutPairsAbove(this.#parts, epoch));
  }

  reset(first: number, pairs: readonly EpochPair[], producers: Buffer): Promise<void> {
    return this.#change('reset', () => reset(this.#parts, { first, pairs, producers }));
  }

  async #change(name: string, work: () => Promise<void>): Promise<void> {
    this.#parts.fatal.check();
    if (this.#changing) throw new Error(`${name} during ${this.#changing}`);
    this.#changing = name;
    try {
      await work();
    } finally {
      this.#changing = null;
    }
  }

  async read(offset: number, limits: { maxBytes: number; below: number }): Promise<Buffer[]> {
    this.#parts.fatal.check();
    return await this.#parts.reader.read(offset, limits);
  }

  readRecent(offset: number, limits: { maxBytes: number; below: number }): Buffer[] | null {
    this.#parts.fatal.check();
    return this.#parts.reader.readRecent(offset, limits);
  }

  async offsetAt(timestampMs: number): Promise<number> {
    this.#parts.fatal.check();
    return await this.#parts.reader.offsetAt(timestampMs);
  }

  judge(stamp: ProducerStamp, count: number, crc: number): ProducerVerdict {
    return this.#parts.content.producers.judge(stamp, count, crc);
  }

  producer(id: bigint): ProducerState | null {
    return this.#parts.content.producers.state(id);
  }

  producersAt(offset: number): Promise<Buffer> {
    const { content, writer } = this.#parts;
    return writer.turn(async () => {
      if (offset < content.first) throw offsetGone(content.first);
      if (offset > content.end)
        throw new LoggerError('offset-out-of-range', `the log ends at ${content.end}`);
      return encodeProducers(await producersAt(this.#parts, offset), offset);
    });
  }

  noteCommit(commit: number): void {
    this.#parts.writer.noteCommit(commit);
  }

  /**
   * Makes the recovery mark and the noted commit durable, if they have moved, and brings the checkpoint up to date. The log
   * has no clock: to be called about once a second. The closer the mark is, the less of a torn tail has to be judged after
   * a power failure. Rejects with `disk-full` when the checkpoint finds no room; the mark has its pair all the same.
   */
  saveMark(): Promise<void> {
    return this.#parts.writer.turn(async () => {
      await this.#parts.writer.saveMark();
      await settlePairs(this.#parts);
    });
  }

  retain(policy: RetentionPolicy): Promise<number> {
    return retain(this.#parts, policy, this.full);
  }

  deleteBelow(first: number): Promise<void> {
    return deleteBelow(this.#parts, first);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** So that others who read the files find the checkpoint whole; on a full disk the mark has what it lacks. */
  async #settlePairs(): Promise<void> {
    try {
      await this.#parts.writer.turn(() => settlePairs(this.#parts));
    } catch (error) {
      if (!(error instanceof LoggerError && error.code === 'disk-full')) throw error;
    }
  }

  async #close(): Promise<void> {
    const { writer, mark, lock, state, fatal } = this.#parts;
    try {
      await state.close();
      if (!fatal.error) await this.#settlePairs();
      await writer.close(new LoggerError('shutting-down', 'the log is closed'));
    } finally {
      await mark.close();
      await lock.release();
    }
  }
}
