// Group commit: brings the disk after the content in memory. One turn writes all that was appended since the last one,
// then syncs it if anybody waits; what arrives meanwhile makes up the next turn. Everything else that touches segment
// files (cuts, resets, deletions, the close) takes turns with it, so no such thing ever meets a write or sync under way.
//
// A sync vouches for the end that was captured when it was issued, in the generation of that moment. A change that takes
// records away raises the generation when it is asked for, before it waits for its turn: what a sync under way then says
// is void already.

import { LoggerError } from '../errors.ts';
import type { Content } from './content.ts';
import { RefusedError } from './damage.ts';
import { isNoRoom } from './disk.ts';
import type { Fatal } from './fatal.ts';
import type { MarkValues, RecoveryMark } from './recovery-mark.ts';
import type { Room } from './room.ts';
import type { SegmentFiles } from './segment-files.ts';
import { Turns } from './turns.ts';
import type { Synced } from './types.ts';

/** Bytes and batches in one write: enough to be efficient, and no more buffers than the kernel takes at once. */
const WRITE_MAX_BYTES = 8 * 1024 * 1024;
const WRITE_BATCHES_MAX = 1024;

interface Waiter {
  readonly end: number;
  readonly generation: number;
  readonly resolve: (synced: Synced) => void;
  readonly reject: (error: Error) => void;
}

export interface WriterParts {
  readonly content: Content;
  readonly files: SegmentFiles;
  readonly mark: RecoveryMark;
  readonly room: Room;
  readonly fatal: Fatal;
}

export class Writer {
  readonly #parts: WriterParts;
  readonly #turns = new Turns();
  #waiters: Waiter[] = [];
  #syncedEnd: number;
  #generation = 0;
  #commit: number;
  /** A turn to write is asked for. */
  #woken = false;
  /** Cuts that wait for their turn or have it: until they have ended nothing is synced. */
  #cuts = 0;
  /** A write failed for want of room; only the wait for room tries again. */
  #stalled = false;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#syncedEnd = parts.content.end;
    this.#commit = parts.mark.values.commit;
    parts.fatal.subscribe((error) => this.#rejectWaiters(error));
  }

  get syncedEnd(): number {
    return this.#syncedEnd;
  }
  get generation(): number {
    return this.#generation;
  }
  /** The highest commit noted; what is stored of it is never above what is synced. */
  get commit(): number {
    return this.#commit;
  }

  noteCommit(commit: number): void {
    this.#commit = Math.max(this.#commit, commit);
  }

  /** Draws on the room there is, for an append. False when there is too little: then the wait for room has begun. */
  reserve(bytes: number): boolean {
    if (!this.#stalled && this.#parts.room.take(bytes)) return true;
    this.#waitForRoom(bytes);
    return false;
  }

  /** Asks for a turn to write. What is appended until it comes, in this same run of the event loop, goes with it. */
  wake(): void {
    if (this.#woken || this.#parts.fatal.error) return;
    this.#woken = true;
    void this.#turns.run(() => this.#writeTurn());
  }

  /** As `Log.sync`. */
  sync(): Promise<Synced> {
    const { content, fatal } = this.#parts;
    if (fatal.error) return Promise.reject(fatal.error);
    const { end } = content;
    const generation = this.#generation;
    if (end <= this.#syncedEnd && this.#cuts === 0) return Promise.resolve({ end, generation });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ end, generation, resolve, reject });
      this.wake();
    });
  }

  async #writeTurn(): Promise<void> {
    this.#woken = false;
    const { fatal, room } = this.#parts;
    if (fatal.error) return;
    try {
      if (!this.#stalled) await this.#writeWhatFits();
      if (this.#waiters.length > 0) await this.#datasync();
      if (room.isDue) await this.lookForRoom();
    } catch (error) {
      fatal.raise(error);
    }
    this.#wakeIfNeeded();
  }

  #wakeIfNeeded(): void {
    // A cut that waits for its turn wakes the writer when it has ended.
    if (this.#cuts > 0) return;
    const { unwrittenBase } = this.#parts.content.window;
    const hasToWrite = unwrittenBase !== null && !this.#stalled;
    const writtenEnd = unwrittenBase ?? this.#parts.content.end;
    if (hasToWrite || this.#waiters.some(({ end }) => end <= writtenEnd)) this.wake();
  }

  /** Want of room is no failure here: the unwritten tail stays where it is until there is room for it. */
  async #writeWhatFits(): Promise<void> {
    try {
      await this.#write();
      this.#stalled = false;
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      this.#stalled = true;
      this.#waitForRoom(0);
    }
  }

  /** Writes what is appended now; what comes during it is for the next turn. */
  async #write(): Promise<void> {
    const { content, files } = this.#parts;
    const { window, end } = content;
    while (window.unwrittenBase !== null && window.unwrittenBase < end) {
      const group = window.nextToWrite(WRITE_MAX_BYTES, WRITE_BATCHES_MAX);
      const { segment, position } = group[0] as (typeof group)[0];
      const isNew = !segment.hasFile;
      const file = await files.of(segment);
      if (isNew) await this.#followRoll(segment.base);
      const buffers = group.map(({ bytes }) => bytes);
      let size = 0;
      for (const { length } of buffers) size += length;
      await files.lengthen(position + size);
      await file.write(buffers, position);
      segment.writtenBytes += size;
      window.written(group.length);
    }
  }

  /**
   * Within a turn: closes the open segment, so that retention may remove it. Does nothing while bytes wait to be written: the next
   * segment gets its file with them. A file that finds no room is made by a later call.
   */
  async closeSegment(): Promise<void> {
    const { content, files } = this.#parts;
    if (content.window.unwrittenBase !== null) return;
    const { active } = content.segments;
    const next = active.sizeBytes === 0 ? active : content.roll();
    if (next.hasFile) return;
    try {
      await files.of(next);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      return;
    }
    await this.#followRoll(next.base);
  }

  /** All before a new segment's file is durable. */
  async #followRoll(base: number): Promise<void> {
    this.#syncedEnd = Math.max(this.#syncedEnd, base);
    await this.saveMark();
  }

  /** Syncs what is written. While a cut waits, what would be synced may be about to go: its waiters wait for the cut. */
  async #datasync(): Promise<void> {
    if (this.#cuts > 0) return;
    const { content, files } = this.#parts;
    const end = content.window.unwrittenBase ?? content.end;
    const generation = this.#generation;
    if (end > this.#syncedEnd) await files.datasync();
    this.#syncedEnd = end;
    // Who asked after a cut was asked for waits for it; who asked before gets the generation of that time, void by then.
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (waiter.end > end || waiter.generation > generation) this.#waiters.push(waiter);
      else waiter.resolve({ end, generation: waiter.generation });
    }
  }

  /**
   * Runs `work` alone: no write, sync or other change is under way. LoggerError and RefusedError are answers, other
   * failures end the log.
   */
  turn<T>(work: () => Promise<T>): Promise<T> {
    const { fatal } = this.#parts;
    return this.#turns.run(async () => {
      fatal.check();
      try {
        return await work();
      } catch (error) {
        if (error instanceof LoggerError || error instanceof RefusedError) throw error;
        throw fatal.raise(error);
      }
    });
  }

  /** A turn that may take records away. What syncs say from now on, until it has ended, is void. */
  async cut<T>(work: () => Promise<T>): Promise<T> {
    this.#cuts += 1;
    this.#generation += 1;
    try {
      return await this.turn(work);
    } finally {
      this.#cuts -= 1;
      this.#wakeIfNeeded();
    }
  }

  /** Within a cut: records from the content's end on are gone. Whoever waits for them waits for what is left. */
  followCut(): void {
    const { end } = this.#parts.content;
    this.#syncedEnd = Math.min(this.#syncedEnd, end);
    this.#waiters = this.#waiters.map((waiter) => ({ ...waiter, end: Math.min(waiter.end, end) }));
  }

  /** Within a reset: the log is empty, and synced, at the content's end; all below that was committed by others. */
  followReset(): void {
    this.followCut();
    this.#syncedEnd = this.#parts.content.end;
    this.#commit = this.#syncedEnd;
  }

  /** Writes the recovery mark as things are now. Only for whoever has the turn: a cut lowers the mark. */
  async saveMark(): Promise<void> {
    const { mark } = this.#parts;
    const next = this.markNow();
    if (mark.values.synced !== next.synced || mark.values.commit !== next.commit) await mark.save(next);
  }

  /** What the recovery mark should say now, with the pairs as they are stored. */
  markNow(): MarkValues {
    const { pairsCrc, pending } = this.#parts.mark.values;
    const synced = this.#syncedEnd;
    const { first } = this.#parts.content;
    return { synced, commit: Math.min(this.#commit, synced), pairsCrc, pending, first };
  }

  /** Counts the free room anew. Only for whoever has the turn. */
  lookForRoom(): Promise<void> {
    const { room, content } = this.#parts;
    return room.look(() => content.window.unwrittenBytes);
  }

  #waitForRoom(bytes: number): void {
    const { room, fatal } = this.#parts;
    room.wait(bytes, () => this.turn(() => this.#retry())).catch((error) => fatal.raise(error));
  }

  async #retry(): Promise<void> {
    await this.#writeWhatFits();
    if (!this.#stalled) await this.lookForRoom();
    this.#wakeIfNeeded();
  }

  #rejectWaiters(error: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { reject } of waiters) reject(error);
  }

  /** Writes and syncs what is left, unless the disk is full, and stops. Whoever still waits, or calls, is told `error`. */
  async close(error: Error): Promise<void> {
    const { fatal, files, room } = this.#parts;
    room.close();
    try {
      if (!fatal.error) await this.turn(() => this.#finish());
    } finally {
      if (!fatal.error) fatal.end(error);
      await this.#turns.run(() => files.close());
    }
  }

  async #finish(): Promise<void> {
    // What finds no room now was never acknowledged.
    await this.#writeWhatFits();
    await this.#parts.files.trim();
    await this.#datasync();
    await this.saveMark();
  }
}
