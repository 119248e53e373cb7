// Room on the disk, counted ahead. An append takes effect before its bytes are written, so want of room must be known
// before: appends draw on a budget, the free space that was last seen less a reserve. The reserve is left for what must
// be written on a full disk too: promises, epoch pairs, and the tail of an append when somebody else was quicker.
//
// The budget is an estimate, since others may write to the same disk. When a write does fail for want of room, the
// unwritten tail stays in memory, neither synced nor acknowledged, and is written once there is room again.

import type { Disk } from './disk.ts';

/** Free space is asked for again after this much was appended, or after half of what was left. */
const RECHECK_BYTES = 64 * 1024 * 1024;
/** The disk counts as having room again when this much fits, even if more was refused. */
const NEED_MAX_BYTES = 16 * 1024 * 1024;

export interface RoomParts {
  readonly disk: Disk;
  readonly directory: string;
  /** Free space that appends leave alone. */
  readonly reserveBytes: number;
  /** Resolves when it may be worth trying again on a full disk; rejects when `signal` aborts. */
  readonly waitForRoom: (signal: AbortSignal) => Promise<void>;
}

export class Room {
  readonly #parts: RoomParts;
  readonly #closing = new AbortController();
  /** May be appended before the next look. */
  #leftBytes = 0;
  #recheckAtBytes = 0;
  /** Asked for in vain; null while the disk is not full. */
  #neededBytes: number | null = null;
  #waiting = false;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** True from a refusal until as much was found. */
  get isFull(): boolean {
    return this.#neededBytes !== null;
  }

  /** Time for another look. */
  get isDue(): boolean {
    return this.#leftBytes < this.#recheckAtBytes;
  }

  /** Looks at the disk. `unwrittenBytes`, asked for afterwards, are spoken for; nothing may be written meanwhile. */
  async look(unwrittenBytes: () => number): Promise<void> {
    const free = await this.#parts.disk.freeBytes(this.#parts.directory);
    this.#leftBytes = free - this.#parts.reserveBytes - unwrittenBytes();
    this.#recheckAtBytes = Math.max(this.#leftBytes - RECHECK_BYTES, this.#leftBytes / 2);
    if (this.#neededBytes !== null && this.#neededBytes <= this.#leftBytes) this.#neededBytes = null;
  }

  /** Takes `bytes` from the budget; false when there is too little left. */
  take(bytes: number): boolean {
    if (bytes > this.#leftBytes) return false;
    this.#leftBytes -= bytes;
    return true;
  }

  /**
   * Calls `retry` again and again, with a wait before each time, until a `look` in it has found room for `bytes`. Rejects
   * when `retry` does. One such wait at a time; a call during it only raises what is needed.
   */
  async wait(bytes: number, retry: () => Promise<void>): Promise<void> {
    this.#neededBytes = Math.max(this.#neededBytes ?? 0, Math.min(bytes, NEED_MAX_BYTES));
    if (this.#waiting) return;
    this.#waiting = true;
    try {
      while (this.isFull && (await this.#pause())) await retry();
    } finally {
      this.#waiting = false;
    }
  }

  /** False when the log closes meanwhile. */
  async #pause(): Promise<boolean> {
    const { signal } = this.#closing;
    if (signal.aborted) return false;
    try {
      await this.#parts.waitForRoom(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return !signal.aborted;
  }

  /** Ends a wait. */
  close(): void {
    this.#closing.abort(new Error('the log is closed'));
  }
}
