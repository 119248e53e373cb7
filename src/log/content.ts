// A log in memory: what it holds if every appended byte is counted, on the disk already or not. Appending takes effect
// here at once; the writer brings the disk after it. Everything here follows from the batches, in their order.

import { batchesOf, contentCrc } from './batch.ts';
import { RefusedError } from './damage.ts';
import type { OffsetIndex } from './offset-index.ts';
import { lastEpoch } from './pairs.ts';
import { encodeProducers } from './producer-snapshot.ts';
import type { ProducerTable } from './producers.ts';
import { Segment, type Segments } from './segments.ts';
import type { BatchHeader, EpochPair } from './types.ts';
import type { Window } from './window.ts';

/** Kafka's index holds offsets relative to the segment in 31 bits. */
export const SEGMENT_OFFSETS_MAX = 2 ** 31 - 1;
/** Copies of the producer table are made this far apart, for cuts: most remove less. */
const COPY_INTERVAL_BYTES = 8 * 1024 * 1024;
const COPIES_MAX = 3;

export interface Batch {
  readonly header: BatchHeader;
  readonly bytes: Buffer;
}

/** The producer table as it was at `offset`. */
interface TableCopy {
  readonly offset: number;
  readonly table: ProducerTable;
}

export class Content {
  readonly segments: Segments;
  readonly window: Window;
  readonly #segmentSizeBytes: number;
  end: number;
  lastTimestampMs: number;
  pairs: readonly EpochPair[];
  producers: ProducerTable;
  /** Raised when something that was readable is taken away; a read that spans it starts over. */
  version = 0;
  #copies: TableCopy[] = [];
  #bytesSinceCopy = 0;

  constructor(parts: {
    readonly segments: Segments;
    readonly window: Window;
    readonly segmentSizeBytes: number;
    readonly end: number;
    readonly pairs: readonly EpochPair[];
    readonly producers: ProducerTable;
  }) {
    this.segments = parts.segments;
    this.window = parts.window;
    this.#segmentSizeBytes = parts.segmentSizeBytes;
    this.end = parts.end;
    this.lastTimestampMs = parts.segments.maxTimestampMs;
    this.pairs = parts.pairs;
    this.producers = parts.producers;
  }

  get first(): number {
    return this.segments.first.base;
  }

  get epoch(): number {
    return lastEpoch(this.pairs);
  }

  /** Parses batches that are to be appended. Throws RangeError where they do not continue the log; changes nothing. */
  parse(buffers: readonly Buffer[]): Batch[] {
    const batches: Batch[] = [];
    let offset = this.end;
    let timestampMs = this.lastTimestampMs;
    for (const buffer of buffers) {
      for (const batch of batchesOf(buffer)) {
        const problem = continuationProblem(batch.header, offset, this.epoch, timestampMs);
        if (problem !== null) throw new RefusedError(`the batch does not continue the log: ${problem}`);
        batches.push(batch);
        offset += batch.header.count;
        timestampMs = batch.header.maxTimestampMs;
      }
    }
    return batches;
  }

  /** Appends what `parse` gave, with nothing in between. */
  append(batches: readonly Batch[]): void {
    for (const { header, bytes } of batches) {
      const segment = this.#segmentFor(header, bytes.length);
      const end = header.baseOffset + header.count;
      const position = segment.sizeBytes;
      segment.index?.add(end - 1, position, bytes.length);
      segment.sizeBytes += bytes.length;
      segment.maxTimestampMs = header.maxTimestampMs;
      this.window.push({
        base: header.baseOffset,
        end,
        timestampMs: header.maxTimestampMs,
        bytes,
        segment,
        position,
      });
      if (header.producer) this.producers.apply(header, contentCrc(bytes));
      this.end = end;
      this.lastTimestampMs = header.maxTimestampMs;
      this.#copyProducers(bytes.length);
    }
  }

  /** The active segment, or a new one where the batch does not fit into it any more. */
  #segmentFor({ baseOffset, lastOffsetDelta }: BatchHeader, sizeBytes: number): Segment {
    const { active } = this.segments;
    const fits =
      active.sizeBytes + sizeBytes <= this.#segmentSizeBytes &&
      baseOffset + lastOffsetDelta - active.base <= SEGMENT_OFFSETS_MAX;
    return fits || active.sizeBytes === 0 ? active : this.roll();
  }

  /** Begins a new segment at the end, in memory at first. */
  roll(): Segment {
    const next = new Segment(this.end, encodeProducers(this.producers, this.end));
    this.segments.add(next);
    return next;
  }

  #copyProducers(sizeBytes: number): void {
    this.#bytesSinceCopy += sizeBytes;
    if (this.#bytesSinceCopy < COPY_INTERVAL_BYTES) return;
    this.#bytesSinceCopy = 0;
    this.#copies.push({ offset: this.end, table: this.producers.copy() });
    if (this.#copies.length > COPIES_MAX) this.#copies.shift();
  }

  /**
   * Takes away what lies from `end` on. `last` is the segment that ends there, `position` bytes long, and `timestampMs`
   * that of the last record left. Pairs and producers are the caller's to follow.
   */
  cut(
    end: number,
    last: { segment: Segment; position: number; index: OffsetIndex; timestampMs: number },
  ): void {
    const { segment, position, index, timestampMs } = last;
    this.version += 1;
    this.window.cut(end);
    for (const other of this.segments.list) if (other.base > segment.base) this.segments.remove(other);
    segment.sizeBytes = position;
    segment.writtenBytes = Math.min(segment.writtenBytes, position);
    segment.maxTimestampMs = position === 0 ? 0 : timestampMs;
    index.cut(position);
    segment.index = index;
    this.end = end;
    this.lastTimestampMs = timestampMs;
  }

  /** Takes away the oldest segment; the next one begins at `first`. An empty log has no last record and no time. */
  removeOldest(first: number): void {
    this.version += 1;
    this.segments.remove(this.segments.first);
    this.window.forgetBelow(first);
    if (this.first === this.end) this.lastTimestampMs = 0;
  }

  /** Throws everything away; the log begins anew, empty, at `first`. */
  restart(first: number, pairs: readonly EpochPair[], producers: ProducerTable): void {
    this.version += 1;
    this.window.clear();
    this.segments.restart(new Segment(first, null));
    this.end = first;
    this.lastTimestampMs = 0;
    this.pairs = pairs;
    this.#copies = [];
    this.#bytesSinceCopy = 0;
    this.producers = producers;
  }

  /** The newest copy of the table at or before `offset`. Not to be changed: copy it again. */
  tableCopyAt(offset: number): TableCopy | undefined {
    return this.#copies.findLast((copy) => copy.offset <= offset);
  }

  /** Puts the table in place that belongs to `end`, after a cut; forgets the copies from beyond it. */
  replaceProducers(table: ProducerTable): void {
    this.producers = table;
    this.#copies = this.#copies.filter(({ offset }) => offset <= this.end);
  }
}

/** Why a batch cannot come next in a log that ends at `offset`, `timestampMs`; null when it can. */
export function continuationProblem(
  header: BatchHeader,
  offset: number,
  epoch: number,
  timestampMs: number,
): string | null {
  if (header.baseOffset !== offset) return `its offset is ${header.baseOffset}, not ${offset}`;
  if (header.epoch !== epoch) return `its epoch is ${header.epoch}, not ${epoch}`;
  if (header.maxTimestampMs < timestampMs)
    return `its timestamp is ${header.maxTimestampMs}, below ${timestampMs}`;
  return null;
}
