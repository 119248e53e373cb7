// Reading from segment files what memory does not hold any more. Each read opens the file for itself, so that rolling,
// cutting and deleting need not wait for readers; a read that a cut overtook starts over. The index is a hint: what it
// leads to is checked, and a wrong one costs a walk through the segment, nothing else.

import { LoggerError, messageOf } from '../errors.ts';
import { batchProblem, batchSizeAt, HEADER_SIZE_BYTES, readHeader } from './batch.ts';
import { ChunkReader } from './chunk-reader.ts';
import { type Content, continuationProblem } from './content.ts';
import { LogDamagedError } from './damage.ts';
import { type Disk, isMissing, isUnreadable } from './disk.ts';
import { segmentFile } from './names.ts';
import { type IndexEntry, OffsetIndex } from './offset-index.ts';
import { epochAt } from './pairs.ts';
import type { Segment } from './segments.ts';
import { readWhole } from './small-file.ts';
import type { BatchHeader, EpochPair } from './types.ts';

/** Indexes of sealed segments kept in memory, of at most 2 MiB each. */
const INDEX_CACHE_MAX = 8;
/** Read beyond what was asked for: the way from an index entry to the batch wanted. */
const APPROACH_BYTES = 16 * 1024;
/** Chunk of a walk from header to header. */
const WALK_CHUNK_BYTES = 64 * 1024;
/** A read starts over when a cut overtakes it; cuts do not come thick and fast. */
const READ_ATTEMPTS_MAX = 5;

interface Found {
  readonly header: BatchHeader;
  readonly position: number;
}

export class LogReader {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #content: Content;
  readonly #onDamage: (error: Error) => void;
  /** What a read was the first to find, in a log that was whole at its start; null while nothing was found. */
  damage: string | null = null;
  /** Least recently used first. */
  readonly #indexes = new Map<Segment, OffsetIndex>();

  /** `onDamage` is called for the first damage that is found. */
  constructor(disk: Disk, directory: string, content: Content, onDamage: (error: Error) => void) {
    this.#disk = disk;
    this.#directory = directory;
    this.#content = content;
    this.#onDamage = onDamage;
  }

  /**
   * As `Log.read`: whole batches from the one that holds `offset`, in one buffer; nothing when none ends by `below`.
   * Rejects with offset-gone, offset-out-of-range, or log-damaged.
   */
  read(offset: number, limits: { maxBytes: number; below: number }): Promise<Buffer[]> {
    return this.#attempt(async () => {
      const recent = this.readRecent(offset, limits);
      if (recent !== null) return recent;
      const segment = this.#content.segments.holding(offset);
      return await this.#withFile(segment, limits.maxBytes + APPROACH_BYTES, async (reader) => {
        const { position, header } = await this.#locate(reader, segment, offset);
        if (header.baseOffset + header.count > limits.below) return [];
        const bytes = await reader.bytes(position, Math.max(header.sizeBytes, limits.maxBytes));
        const where = `segment ${segment.base} from ${position} on`;
        const { pairs } = this.#content;
        return [bytes.subarray(0, wholeBytes(bytes, header.baseOffset, limits.below, pairs, where))];
      });
    });
  }

  /** As `Log.readRecent`. */
  readRecent(offset: number, limits: { maxBytes: number; below: number }): Buffer[] | null {
    const { first, end, window } = this.#content;
    if (offset < first) throw offsetGone(first);
    if (offset > end)
      throw new LoggerError('offset-out-of-range', `the log ends at ${end}`, { extra: { end } });
    return offset === end ? [] : window.collect(offset, limits);
  }

  /** The batch that holds `offset`, which is below the end, and where it is in its segment. */
  async find(offset: number): Promise<Found & { readonly segment: Segment }> {
    const segment = this.#content.segments.holding(offset);
    const recent = this.#content.window.find(offset);
    if (recent) {
      return { header: readHeader(recent.bytes, 0), position: recent.position, segment: recent.segment };
    }
    return await this.#withFile(segment, WALK_CHUNK_BYTES, async (reader) => ({
      ...(await this.#locate(reader, segment, offset)),
      segment,
    }));
  }

  /** As `Log.offsetAt`. */
  offsetAt(timestampMs: number): Promise<number> {
    return this.#attempt(async () => {
      const { segments, window, end } = this.#content;
      const segment = segments.list.find((one) => one.sizeBytes > 0 && one.maxTimestampMs >= timestampMs);
      if (!segment) return end;
      const recent = window.firstAt(timestampMs);
      if (recent && (recent.base > (window.base as number) || recent.base === segment.base))
        return recent.base;
      return await this.#withFile(segment, WALK_CHUNK_BYTES, async (reader) => {
        const index = await this.#indexOf(segment);
        const found = await orFromBegin((hinted) => walkToTime(reader, hinted ? index : null, timestampMs));
        // All that is in the file is older, so it is the first of those that are only in memory.
        return found ?? (recent?.base as number);
      });
    });
  }

  /** The index of a segment, from memory or its file; an empty one, which leads to the begin, when that is unusable. */
  async #indexOf(segment: Segment): Promise<OffsetIndex> {
    if (segment.index) return segment.index;
    const cached = this.#indexes.get(segment);
    this.#indexes.delete(segment);
    const index = cached ?? (await this.loadIndex(segment)) ?? new OffsetIndex(segment.base);
    this.#indexes.set(segment, index);
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= INDEX_CACHE_MAX) break;
      this.#indexes.delete(oldest);
    }
    return index;
  }

  /** The index of a sealed segment as it is in its file; null when there is none that could be one. */
  async loadIndex(segment: Segment): Promise<OffsetIndex | null> {
    const bytes = await readWhole(this.#disk, `${this.#directory}/${segmentFile(segment.base, 'index')}`);
    return bytes && OffsetIndex.decode(segment.base, bytes, segment.sizeBytes);
  }

  async #locate(reader: ChunkReader, segment: Segment, offset: number): Promise<Found> {
    const hint = (await this.#indexOf(segment)).entryFor(offset);
    return await orFromBegin((hinted) => walkTo(reader, segment.base, hinted ? hint : null, offset));
  }

  async #withFile<T>(
    segment: Segment,
    chunkBytes: number,
    use: (reader: ChunkReader) => Promise<T>,
  ): Promise<T> {
    const file = await this.#disk.open(`${this.#directory}/${segmentFile(segment.base, 'log')}`, 'read');
    try {
      return await use(new ChunkReader(file, segment.writtenBytes, chunkBytes));
    } finally {
      await file.close();
    }
  }

  #readError(error: unknown): unknown {
    if (!(error instanceof LogDamagedError || isMissing(error) || isUnreadable(error))) return error;
    if (this.damage === null) {
      this.damage = messageOf(error);
      this.#onDamage(error as Error);
    }
    const hint = "read from another logger, and replace this logger's volume";
    return new LoggerError('log-damaged', `the log cannot be read here: ${hint}`, { cause: error });
  }

  /** Starts over when something was taken away meanwhile; what failed then, failed for that. */
  async #attempt<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const { version } = this.#content;
      try {
        const result = await read();
        if (version === this.#content.version) return result;
      } catch (error) {
        if (version === this.#content.version) throw this.#readError(error);
      }
      if (attempt === READ_ATTEMPTS_MAX)
        throw new LoggerError('internal', 'the log was cut during each read');
    }
  }
}

export const offsetGone = (first: number): LoggerError =>
  new LoggerError('offset-gone', `the log begins at offset ${first}`, { extra: { first } });

/** Follows the index at first, and walks from the segment's begin where that leads to no batch. */
async function orFromBegin<T>(walk: (hinted: boolean) => Promise<T>): Promise<T> {
  try {
    return await walk(true);
  } catch (error) {
    if (!(error instanceof LogDamagedError)) throw error;
    return await walk(false);
  }
}

/** Walks from header to header until the batch that holds `offset`: from `hint`, or from the segment's begin at `base`. */
async function walkTo(
  reader: ChunkReader,
  base: number,
  hint: IndexEntry | null,
  offset: number,
): Promise<Found> {
  let position = hint?.position ?? 0;
  let expected = hint === null ? base : hint.lastOffset + 1 - (await reader.header(position)).count;
  for (;;) {
    const header = await reader.header(position);
    if (header.baseOffset !== expected)
      throw new LogDamagedError(`position ${position}: offset ${header.baseOffset} instead of ${expected}`);
    if (header.baseOffset > offset)
      throw new LogDamagedError(`position ${position} lies behind offset ${offset}`);
    expected = header.baseOffset + header.count;
    if (expected > offset) return { header, position };
    position += header.sizeBytes;
  }
}

/**
 * Size of the whole batches at the begin of `bytes`, of which the first begins at `base`, that end at or before `below`.
 * Their CRCs are checked, and offset and epoch as well: Kafka's CRC does not cover these two.
 */
function wholeBytes(
  bytes: Buffer,
  base: number,
  below: number,
  pairs: readonly EpochPair[],
  where: string,
): number {
  let at = 0;
  let offset = base;
  while (bytes.length - at >= HEADER_SIZE_BYTES && batchSizeAt(bytes, at) <= bytes.length - at) {
    const header = readHeader(bytes, at);
    const problem =
      batchProblem(bytes, at) ??
      continuationProblem(header, offset, epochAt(pairs, offset), Number.NEGATIVE_INFINITY);
    if (problem !== null) throw new LogDamagedError(`${where}, byte ${at}: ${problem}`);
    offset += header.count;
    if (offset > below) break;
    at += header.sizeBytes;
  }
  // The caller has seen that the first batch ends by `below`. Without it a reader would ask for the same offset for ever.
  if (at === 0) throw new LogDamagedError(`${where}: the batch is cut off`);
  return at;
}

/** Offset of the first batch at or after `timestampMs` in the file, null when there is none. */
async function walkToTime(
  reader: ChunkReader,
  index: OffsetIndex | null,
  timestampMs: number,
): Promise<number | null> {
  let position = 0;
  let high = index?.length ?? 0;
  for (let low = 0; index && low < high; ) {
    const middle = (low + high) >>> 1;
    const at = index.positionAt(middle);
    if (at >= reader.limit || (await reader.header(at)).maxTimestampMs >= timestampMs) {
      high = middle;
    } else {
      low = middle + 1;
      position = at;
    }
  }
  while (position < reader.limit) {
    const header = await reader.header(position);
    if (header.maxTimestampMs >= timestampMs) return header.baseOffset;
    position += header.sizeBytes;
  }
  return null;
}
