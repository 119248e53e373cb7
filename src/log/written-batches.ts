// Recent batches that are in their files already, oldest first. Thousands a second that are kept for half a minute, each as objects of
// its own, make V8 collect the whole heap every few seconds, and records wait meanwhile (docs/internals/performance.md). So
// small batches are copied into one ring of bytes, and out of it again: none of its memory is ever handed out. Large ones,
// which are few, stay the buffers they are.
import { partition } from './offset-index.ts';
import type { Segment } from './segments.ts';
import type { Entry } from './window.ts';

const COPIED_BYTES_MAX = 16 * 1024;
const FIRST_CAPACITY = 1024;
/** Where in the ring a large batch begins. */
const NOWHERE = -1;

/** `starts` and `sizes` say where in the ring its bytes are, and how many. */
const NUMBERS = ['bases', 'ends', 'timesMs', 'positions', 'starts', 'sizes'] as const;
type Numbers = (typeof NUMBERS)[number];

/** What is known of each batch, in slots that go round; a power of two of them. */
class Columns implements Record<Numbers, Float64Array> {
  readonly capacity: number;
  readonly bases: Float64Array;
  readonly ends: Float64Array;
  readonly timesMs: Float64Array;
  readonly positions: Float64Array;
  readonly starts: Float64Array;
  readonly sizes: Float64Array;
  readonly segments: (Segment | undefined)[];
  /** A large batch itself. */
  readonly large: (Buffer | undefined)[];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.bases = new Float64Array(capacity);
    this.ends = new Float64Array(capacity);
    this.timesMs = new Float64Array(capacity);
    this.positions = new Float64Array(capacity);
    this.starts = new Float64Array(capacity);
    this.sizes = new Float64Array(capacity);
    this.segments = new Array(capacity).fill(undefined);
    this.large = new Array(capacity).fill(undefined);
  }

  slot(number: number): number {
    return number & (this.capacity - 1);
  }

  /** Twice as many, with the batches from `from` to before `to`. */
  grown(from: number, to: number): Columns {
    const wider = new Columns(this.capacity * 2);
    for (let number = from; number < to; number += 1) wider.#take(this, number);
    return wider;
  }

  #take(other: Columns, number: number): void {
    const [to, from] = [this.slot(number), other.slot(number)];
    for (const column of NUMBERS) this[column][to] = other[column][from] as number;
    this.segments[to] = other.segments[from];
    this.large[to] = other.large[from];
  }
}

export interface Limits {
  readonly maxBytes: number;
  readonly below: number;
}

/** Whether a batch of `bytes` that ends at `end` is too much beside `size` others; alone it may have any size. */
export function isBeyond({ maxBytes, below }: Limits, size: number, end: number, bytes: number): boolean {
  return end > below || (size > 0 && size + bytes > maxBytes);
}

export class WrittenBatches {
  readonly #ringBytes: number;
  #ring: Buffer | null = null;
  /** Where in the ring the next one goes, if it fits there. */
  #next = 0;
  #columns = new Columns(FIRST_CAPACITY);
  /** Batches are numbered as they come; these are the oldest, the oldest that is in the ring, and the one to come. */
  #from = 0;
  #fromCopied = 0;
  #to = 0;

  /** `boundBytes` of batches fit, or more where they are large. */
  constructor(boundBytes: number) {
    this.#ringBytes = boundBytes + COPIED_BYTES_MAX;
  }

  get isEmpty(): boolean {
    return this.#from === this.#to;
  }
  /** Offset of the first record here, or null when there is none. */
  get base(): number | null {
    return this.isEmpty ? null : this.#at('bases', this.#from);
  }
  /** Offset after the last one, 0 when there is none. */
  get end(): number {
    return this.isEmpty ? 0 : this.#at('ends', this.#to - 1);
  }
  /** Offset after the last record of the oldest batch, 0 when there is none. */
  get oldestEnd(): number {
    return this.isEmpty ? 0 : this.#at('ends', this.#from);
  }

  #at(column: Numbers, number: number): number {
    return this.#columns[column][this.#columns.slot(number)] as number;
  }

  #isLarge(number: number): boolean {
    return this.#at('starts', number) === NOWHERE;
  }

  /** Returns the bytes of those that were forgotten to make room. */
  push({ base, end, timestampMs, bytes, segment, position }: Entry): number {
    const isLarge = bytes.length > COPIED_BYTES_MAX;
    const forgotten = isLarge ? 0 : this.#copyIn(bytes);
    if (this.#to - this.#from === this.#columns.capacity)
      this.#columns = this.#columns.grown(this.#from, this.#to);
    const columns = this.#columns;
    const slot = columns.slot(this.#to);
    columns.bases[slot] = base;
    columns.ends[slot] = end;
    columns.timesMs[slot] = timestampMs;
    columns.positions[slot] = position;
    columns.starts[slot] = isLarge ? NOWHERE : this.#next - bytes.length;
    columns.sizes[slot] = bytes.length;
    columns.segments[slot] = segment;
    columns.large[slot] = isLarge ? bytes : undefined;
    this.#to += 1;
    return forgotten;
  }

  /** Up to `#next` of the ring. Returns the bytes of those that were forgotten to make room. */
  #copyIn(bytes: Buffer): number {
    let forgotten = 0;
    let start = this.#placeFor(bytes.length);
    for (; start === null; start = this.#placeFor(bytes.length)) forgotten += this.forgetOldest();
    // In one piece, and counted from now on: a heap whose limit holds it grows by more before it is collected.
    this.#ring ??= Buffer.allocUnsafeSlow(this.#ringBytes);
    this.#ring.set(bytes, start);
    this.#next = start + bytes.length;
    return forgotten;
  }

  /** Where in the ring so many bytes fit, without a gap where possible; null when older ones are in the way. */
  #placeFor(sizeBytes: number): number | null {
    while (this.#fromCopied < this.#to && this.#isLarge(this.#fromCopied)) this.#fromCopied += 1;
    if (this.#fromCopied === this.#to) return 0;
    const oldest = this.#at('starts', this.#fromCopied);
    const next = this.#next;
    // It has gone round, and may have come up to the oldest one.
    if (next <= oldest) return next + sizeBytes <= oldest ? next : null;
    if (next + sizeBytes <= this.#ringBytes) return next;
    return sizeBytes <= oldest ? 0 : null;
  }

  /** Returns its bytes. */
  forgetOldest(): number {
    const size = this.#at('sizes', this.#from);
    this.#clear(this.#from);
    this.#from += 1;
    this.#fromCopied = Math.max(this.#fromCopied, this.#from);
    return size;
  }

  /** Drops the batches from `end` on, which lies between two of them. Returns their bytes. */
  cut(end: number): number {
    let size = 0;
    while (this.end > end) {
      this.#to -= 1;
      size += this.#at('sizes', this.#to);
      this.#clear(this.#to);
    }
    this.#fromCopied = Math.min(this.#fromCopied, this.#to);
    return size;
  }

  clear(): void {
    while (!this.isEmpty) this.forgetOldest();
  }

  #clear(number: number): void {
    const slot = this.#columns.slot(number);
    this.#columns.segments[slot] = undefined;
    this.#columns.large[slot] = undefined;
  }

  /** The batch that holds `offset`, which is below `end`; undefined when it lies before those here. */
  find(offset: number): Entry | undefined {
    return offset < (this.base ?? 0) ? undefined : this.#entry(this.#holding(offset));
  }

  /** The first batch whose timestamp is at or after; undefined when none is. */
  firstAt(timestampMs: number): Entry | undefined {
    const number = this.#first('timesMs', (time) => time >= timestampMs);
    return number === this.#to ? undefined : this.#entry(number);
  }

  #entry(number: number): Entry {
    const batches: Buffer[] = [];
    this.#copy(number, number + 1, batches);
    return {
      base: this.#at('bases', number),
      end: this.#at('ends', number),
      timestampMs: this.#at('timesMs', number),
      bytes: batches[0] as Buffer,
      segment: this.#columns.segments[this.#columns.slot(number)] as Segment,
      position: this.#at('positions', number),
    };
  }

  #holding(offset: number): number {
    return this.#first('ends', (end) => end > offset);
  }

  #first(column: 'ends' | 'timesMs', isPast: (value: number) => boolean): number {
    return this.#from + partition(this.#to - this.#from, (at) => isPast(this.#at(column, this.#from + at)));
  }

  /**
   * Adds to `into` the batches from the one that holds `offset`, which is one of those here, while they end at or before `below`
   * and together hold no more than `maxBytes`, or are one. Returns their bytes; null when the limits ended it.
   */
  collect(offset: number, limits: Limits, into: Buffer[]): number | null {
    const first = this.#holding(offset);
    let number = first;
    let size = 0;
    let ended = false;
    for (; number < this.#to; number += 1) {
      const bytes = this.#at('sizes', number);
      ended = isBeyond(limits, size, this.#at('ends', number), bytes);
      if (ended) break;
      size += bytes;
    }
    this.#copy(first, number, into);
    return ended ? null : size;
  }

  /** Adds batches to `into`; those that lie together in the ring share what they are copied to. */
  #copy(from: number, to: number, into: Buffer[]): void {
    for (let number = from; number < to; ) {
      const large = this.#columns.large[this.#columns.slot(number)];
      if (large !== undefined) {
        into.push(large);
        number += 1;
        continue;
      }
      const start = this.#at('starts', number);
      let end = start;
      let after = number;
      while (after < to && this.#at('starts', after) === end) {
        end += this.#at('sizes', after);
        after += 1;
      }
      const copied = Buffer.from((this.#ring as Buffer).subarray(start, end));
      for (; number < after; number += 1) {
        const at = this.#at('starts', number) - start;
        into.push(copied.subarray(at, at + this.#at('sizes', number)));
      }
    }
  }
}
