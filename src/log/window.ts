// The memory of recent batches: those not yet written, which only live here, and as many of the written ones as fit
// into a bound. Followers that keep up and live readers are served from it, without the disk. One array, oldest first;
// the unwritten are its tail, so appending, writing and forgetting each move one mark.
import { partition } from './offset-index.ts';
import { Segment } from './segments.ts';

/** A batch and where it belongs. `bytes` are the appended ones, never copied. */
export interface Entry {
  readonly base: number;
  /** Offset after its last record. */
  readonly end: number;
  readonly timestampMs: number;
  readonly bytes: Buffer;
  readonly segment: Segment;
  /** Where in the segment's file it begins. */
  readonly position: number;
}

/** Stands in the place of an entry that was forgotten, so that its bytes are free. */
const FORGOTTEN: Entry = {
  base: -1,
  end: -1,
  timestampMs: 0,
  bytes: Buffer.alloc(0),
  segment: new Segment(0, null),
  position: 0,
};
/** So many of them may stand at the array's front; then it is cut in one go. */
const FORGOTTEN_MAX = 1024;

export class Window {
  readonly #boundBytes: number;
  #entries: Entry[] = [];
  /** Entries before `#from` are forgotten; those from `#unwritten` on are not in a file yet. */
  #from = 0;
  #unwritten = 0;
  #sizeBytes = 0;
  #unwrittenBytes = 0;

  /** Written batches are kept up to `boundBytes`; unwritten ones always. */
  constructor(boundBytes: number) {
    this.#boundBytes = boundBytes;
  }

  get unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }
  /** Lowest offset here, or null when nothing is. */
  get base(): number | null {
    return this.#entries[this.#from]?.base ?? null;
  }
  /** Lowest offset that is in no file, or null when all are. */
  get unwrittenBase(): number | null {
    return this.#entries[this.#unwritten]?.base ?? null;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    this.#sizeBytes += entry.bytes.length;
    this.#unwrittenBytes += entry.bytes.length;
    this.#forget();
  }

  /** The unwritten batches, oldest first, all of one segment, up to about `maxBytes` and `maxCount`. */
  nextToWrite(maxBytes: number, maxCount: number): Entry[] {
    const first = this.#entries[this.#unwritten];
    const group: Entry[] = [];
    let size = 0;
    for (let at = this.#unwritten; at < this.#entries.length && group.length < maxCount; at += 1) {
      const entry = this.#entries[at] as Entry;
      if (entry.segment !== first?.segment || (size > 0 && size + entry.bytes.length > maxBytes)) break;
      group.push(entry);
      size += entry.bytes.length;
    }
    return group;
  }

  /** The first `count` unwritten batches are in their file now. */
  written(count: number): void {
    for (let step = 0; step < count; step += 1) {
      this.#unwrittenBytes -= (this.#entries[this.#unwritten] as Entry).bytes.length;
      this.#unwritten += 1;
    }
    this.#forget();
  }

  /** Forgets what lies below `first`: it is no part of the log any more. */
  forgetBelow(first: number): void {
    while (this.#from < this.#unwritten && (this.#entries[this.#from] as Entry).end <= first)
      this.#forgetOldest();
  }

  #forgetOldest(): void {
    this.#sizeBytes -= (this.#entries[this.#from] as Entry).bytes.length;
    this.#entries[this.#from] = FORGOTTEN;
    this.#from += 1;
  }

  #forget(): void {
    while (this.#sizeBytes > this.#boundBytes && this.#from < this.#unwritten) this.#forgetOldest();
    if (this.#from > FORGOTTEN_MAX && this.#from > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#from);
      this.#unwritten -= this.#from;
      this.#from = 0;
    }
  }

  /** Drops the batches from `end` on, written or not; `end` lies between two batches. */
  cut(end: number): void {
    let last = this.#entries.at(-1);
    while (last && last.base >= end && this.#entries.length > this.#from) {
      this.#entries.pop();
      this.#sizeBytes -= last.bytes.length;
      if (this.#unwritten > this.#entries.length) this.#unwritten = this.#entries.length;
      else this.#unwrittenBytes -= last.bytes.length;
      last = this.#entries.at(-1);
    }
  }

  clear(): void {
    this.#entries = [];
    this.#from = 0;
    this.#unwritten = 0;
    this.#sizeBytes = 0;
    this.#unwrittenBytes = 0;
  }

  /** The batch that holds `offset`, if it is here. */
  find(offset: number): Entry | undefined {
    const at = this.#indexOf(offset);
    return at === null ? undefined : this.#entries[at];
  }

  /** The first batch whose timestamp is at or after; undefined when none is. */
  firstAt(timestampMs: number): Entry | undefined {
    const count = this.#entries.length - this.#from;
    const timestampOf = (at: number): number => (this.#entries[this.#from + at] as Entry).timestampMs;
    return this.#entries[this.#from + partition(count, (at) => timestampOf(at) >= timestampMs)];
  }

  /**
   * Batches from the one that holds `offset`, which all end at or before `below`: at least one if there is one, then up
   * to `maxBytes`. Null when `offset` lies before the window.
   */
  collect(offset: number, { maxBytes, below }: { maxBytes: number; below: number }): Buffer[] | null {
    const from = this.#indexOf(offset);
    if (from === null) return null;
    const batches: Buffer[] = [];
    let size = 0;
    for (let at = from; at < this.#entries.length; at += 1) {
      const { end, bytes } = this.#entries[at] as Entry;
      if (end > below || (size > 0 && size + bytes.length > maxBytes)) break;
      batches.push(bytes);
      size += bytes.length;
    }
    return batches;
  }

  /** Array index of the batch that holds `offset`, or the array's length beyond the end; null before the window. */
  #indexOf(offset: number): number | null {
    const base = this.base;
    if (base === null || offset < base) return null;
    const count = this.#entries.length - this.#from;
    return this.#from + partition(count, (at) => (this.#entries[this.#from + at] as Entry).end > offset);
  }
}
