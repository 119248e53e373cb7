// The sparse index of a segment: for about every 4 KiB of log, the last offset of a batch and where that batch begins.
// A lookup lands at or before the batch wanted, and the rest is a walk from header to header. Kept in memory for the
// segment that grows, written once when the segment is full, in Kafka's format: relative offset and position, 4 bytes
// each. It is only ever a hint: whoever follows it checks the bytes it leads to.

/** Log bytes between two entries; Kafka's `log.index.interval.bytes`. */
const INTERVAL_BYTES = 4096;
const ENTRY_SIZE_BYTES = 8;

export interface IndexEntry {
  /** Of the batch that begins at `position`. */
  readonly lastOffset: number;
  readonly position: number;
}

export class OffsetIndex {
  readonly #base: number;
  readonly #lastOffsets: number[] = [];
  readonly #positions: number[] = [];
  #bytesSinceEntry = 0;

  constructor(base: number) {
    this.#base = base;
  }

  get length(): number {
    return this.#positions.length;
  }

  /** Takes note of a batch of `sizeBytes` at `position`; makes an entry of it when the last one is far enough behind. */
  add(lastOffset: number, position: number, sizeBytes: number): void {
    if (this.#bytesSinceEntry > INTERVAL_BYTES) {
      this.#lastOffsets.push(lastOffset);
      this.#positions.push(position);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += sizeBytes;
  }

  /** The last entry at or before the batch that holds `offset`; null when that is nearer to the segment's begin. */
  entryFor(offset: number): IndexEntry | null {
    const after = partition(this.#lastOffsets.length, (at) => (this.#lastOffsets[at] as number) > offset);
    if (after === 0) return null;
    return {
      lastOffset: this.#lastOffsets[after - 1] as number,
      position: this.#positions[after - 1] as number,
    };
  }

  /** A position at or before the batch that holds `offset`. */
  positionFor(offset: number): number {
    return this.entryFor(offset)?.position ?? 0;
  }

  positionAt(at: number): number {
    return this.#positions[at] as number;
  }

  /** Drops the entries at `position` and beyond. */
  cut(position: number): void {
    const kept = partition(this.#positions.length, (at) => (this.#positions[at] as number) >= position);
    this.#lastOffsets.length = kept;
    this.#positions.length = kept;
    // Too high rather than too low: the next entry comes a little early, and none is missing.
    this.#bytesSinceEntry = INTERVAL_BYTES;
  }

  encode(): Buffer {
    const bytes = Buffer.allocUnsafe(this.length * ENTRY_SIZE_BYTES);
    for (let at = 0; at < this.length; at += 1) {
      bytes.writeInt32BE((this.#lastOffsets[at] as number) - this.#base, at * ENTRY_SIZE_BYTES);
      bytes.writeInt32BE(this.#positions[at] as number, at * ENTRY_SIZE_BYTES + 4);
    }
    return bytes;
  }

  /** The index in `bytes`, or null when it cannot be one for a segment of that size. */
  static decode(base: number, bytes: Buffer, segmentSizeBytes: number): OffsetIndex | null {
    if (bytes.length % ENTRY_SIZE_BYTES !== 0) return null;
    const index = new OffsetIndex(base);
    let lastOffset = -1;
    let lastPosition = 0;
    for (let at = 0; at < bytes.length; at += ENTRY_SIZE_BYTES) {
      const relative = bytes.readInt32BE(at);
      const position = bytes.readInt32BE(at + 4);
      if (relative <= lastOffset || position <= lastPosition || position >= segmentSizeBytes) return null;
      index.#lastOffsets.push(base + relative);
      index.#positions.push(position);
      lastOffset = relative;
      lastPosition = position;
    }
    index.#bytesSinceEntry = INTERVAL_BYTES;
    return index;
  }
}

/** The lowest of 0…length for which `isAfter` holds, given that it holds for all above one that it holds for. */
export function partition(length: number, isAfter: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
