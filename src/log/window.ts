// The memory of recent batches: those not yet written, which only live here, and as many of the written ones as fit
// into a bound. Followers that keep up and live readers are served from it, without the disk. The newest are the buffers
// that were appended; the written ones behind them are packed together (written-batches.ts).
import { partition } from './offset-index.ts';
import type { Segment } from './segments.ts';
import { isBeyond, type Limits, WrittenBatches } from './written-batches.ts';

/** A batch and where it belongs. */
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

/** So many written batches stay as they are: mostly they are read once more, by the stream to a follower, and then never. */
const FRESH_MAX = 32;

export class Window {
  readonly #boundBytes: number;
  readonly #packed: WrittenBatches;
  /** The newest. Those from `#unwritten` on are not in a file yet. */
  #entries: Entry[] = [];
  #unwritten = 0;
  #sizeBytes = 0;
  #unwrittenBytes = 0;

  /** Written batches are kept up to `boundBytes`; unwritten ones always. */
  constructor(boundBytes: number) {
    this.#boundBytes = boundBytes;
    this.#packed = new WrittenBatches(boundBytes);
  }

  get unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }
  /** Lowest offset here, or null when nothing is. */
  get base(): number | null {
    return this.#packed.base ?? this.#entries[0]?.base ?? null;
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
    if (this.#unwritten >= 2 * FRESH_MAX) this.#pack(this.#unwritten - FRESH_MAX);
    this.#forget();
  }

  #pack(count: number): void {
    for (const entry of this.#entries.splice(0, count)) this.#sizeBytes -= this.#packed.push(entry);
    this.#unwritten -= count;
  }

  /** Forgets what lies below `first`: it is no part of the log any more. */
  forgetBelow(first: number): void {
    while (this.#hasWritten && this.#oldestEnd <= first) this.#forgetOldest();
  }

  get #hasWritten(): boolean {
    return !this.#packed.isEmpty || this.#unwritten > 0;
  }
  get #oldestEnd(): number {
    return this.#packed.isEmpty ? (this.#entries[0] as Entry).end : this.#packed.oldestEnd;
  }

  #forgetOldest(): void {
    if (this.#packed.isEmpty) {
      this.#sizeBytes -= (this.#entries.shift() as Entry).bytes.length;
      this.#unwritten -= 1;
    } else this.#sizeBytes -= this.#packed.forgetOldest();
  }

  #forget(): void {
    while (this.#sizeBytes > this.#boundBytes && this.#hasWritten) this.#forgetOldest();
  }

  /** Drops the batches from `end` on, written or not; `end` lies between two batches. */
  cut(end: number): void {
    for (let last = this.#entries.at(-1); last && last.base >= end; last = this.#entries.at(-1)) {
      this.#entries.pop();
      this.#sizeBytes -= last.bytes.length;
      if (this.#unwritten > this.#entries.length) this.#unwritten = this.#entries.length;
      else this.#unwrittenBytes -= last.bytes.length;
    }
    this.#sizeBytes -= this.#packed.cut(end);
  }

  clear(): void {
    this.#packed.clear();
    this.#entries = [];
    this.#unwritten = 0;
    this.#sizeBytes = 0;
    this.#unwrittenBytes = 0;
  }

  /** The batch that holds `offset`, if it is here. */
  find(offset: number): Entry | undefined {
    if (offset < this.#packed.end) return this.#packed.find(offset);
    const entry = this.#entries[this.#indexOf(offset)];
    return entry && entry.base <= offset ? entry : undefined;
  }

  /** The first batch whose timestamp is at or after; undefined when none is. */
  firstAt(timestampMs: number): Entry | undefined {
    const timestampOf = (at: number): number => (this.#entries[at] as Entry).timestampMs;
    return (
      this.#packed.firstAt(timestampMs) ??
      this.#entries[partition(this.#entries.length, (at) => timestampOf(at) >= timestampMs)]
    );
  }

  /**
   * Batches from the one that holds `offset`, which all end at or before `below`: at least one if there is one, then up
   * to `maxBytes`. Null when `offset` lies before the window.
   */
  collect(offset: number, limits: Limits): Buffer[] | null {
    const { base } = this;
    if (base === null || offset < base) return null;
    const batches: Buffer[] = [];
    let size: number | null = 0;
    if (offset < this.#packed.end) size = this.#packed.collect(offset, limits, batches);
    if (size === null) return batches;
    for (let at = this.#indexOf(offset); at < this.#entries.length; at += 1) {
      const { end, bytes } = this.#entries[at] as Entry;
      if (isBeyond(limits, size, end, bytes.length)) break;
      batches.push(bytes);
      size += bytes.length;
    }
    return batches;
  }

  /** Index of the first entry that ends beyond `offset`: that which holds it, or the first one where that is packed. */
  #indexOf(offset: number): number {
    return partition(this.#entries.length, (at) => (this.#entries[at] as Entry).end > offset);
  }
}
