// Walking through the batches of a segment at start, checking each: the bytes by their CRC, and that offset, epoch and
// timestamp follow from what came before. What ends the walk is judged by recover.ts, not here.
import { BATCH_MAX_SIZE_BYTES } from '../limits.ts';
import { batchProblem, batchSizeAt, FIELD, HEADER_SIZE_BYTES, MAGIC, readHeader, readLong } from './batch.ts';
import type { ChunkReader } from './chunk-reader.ts';
import { continuationProblem } from './content.ts';
import { epochAt } from './pairs.ts';
import type { BatchHeader, EpochPair } from './types.ts';

/** Read at a time. */
export const SCAN_CHUNK_BYTES = 1024 * 1024;

export interface Scanned {
  /** Where the whole batches end. */
  readonly position: number;
  readonly offset: number;
  readonly timestampMs: number;
  /** What is wrong with the bytes from `position` on; null at the end of the file. */
  readonly problem: string | null;
  /** They are a whole batch all the same, only not one that belongs here. */
  readonly isMisplaced: boolean;
}

/** Hands every whole batch from the segment's begin on to `take`, up to the first that is not. */
export async function scan(
  reader: ChunkReader,
  start: { readonly offset: number; readonly timestampMs: number },
  pairs: readonly EpochPair[],
  take: (header: BatchHeader, bytes: Buffer, position: number) => void,
): Promise<Scanned> {
  let { offset, timestampMs } = start;
  let position = 0;
  while (position < reader.limit) {
    // Small batches come by the hundred thousand: waiting for each of them would take as long again as checking it.
    const bytes = reader.heldBatch(position) ?? (await wholeBatch(reader, position));
    const problem = batchProblem(bytes);
    if (problem !== null) return { position, offset, timestampMs, problem, isMisplaced: false };
    const header = readHeader(bytes, 0);
    const misfit = continuationProblem(header, offset, epochAt(pairs, offset), timestampMs);
    if (misfit !== null) return { position, offset, timestampMs, problem: misfit, isMisplaced: true };
    take(header, bytes, position);
    offset += header.count;
    timestampMs = header.maxTimestampMs;
    position += bytes.length;
  }
  return { position, offset, timestampMs, problem: null, isMisplaced: false };
}

/** The bytes of the batch at `position` if its size makes sense; whatever is there otherwise. */
async function wholeBatch(reader: ChunkReader, position: number): Promise<Buffer> {
  const start = await reader.bytes(position, HEADER_SIZE_BYTES);
  if (start.length < HEADER_SIZE_BYTES) return start;
  const size = batchSizeAt(start, 0);
  return size > 0 && size <= BATCH_MAX_SIZE_BYTES ? await reader.bytes(position, size) : start;
}

/**
 * Whether a whole batch with an offset above `offset` begins anywhere behind `position`, at whatever byte: a length that
 * was damaged must not hide it. A value that holds the bytes of such a batch can deceive this; the answer is then only
 * more careful than need be.
 */
export async function wholeBatchFollows(
  reader: ChunkReader,
  position: number,
  offset: number,
): Promise<boolean> {
  for (let at = position + 1; reader.limit - at > HEADER_SIZE_BYTES; ) {
    const chunk = await reader.bytes(at, Math.min(SCAN_CHUNK_BYTES, reader.limit - at));
    const last = chunk.length - HEADER_SIZE_BYTES;
    if (last < 0) return false;
    for (let index = 0; index <= last; index += 1) {
      if (chunk[index + FIELD.magic] !== MAGIC || readLong(chunk, index) <= offset) continue;
      if (batchProblem(await wholeBatch(reader, at + index)) === null) return true;
    }
    at += last + 1;
  }
  return false;
}

/** How many bytes from `position` on are left without the zeros at the end. */
export async function sizeWithoutZeros(reader: ChunkReader, position: number): Promise<number> {
  let size = 0;
  for (let at = position; at < reader.limit; ) {
    const chunk = await reader.bytes(at, Math.min(SCAN_CHUNK_BYTES, reader.limit - at));
    if (chunk.length === 0) break;
    const last = chunk.findLastIndex((byte) => byte !== 0);
    if (last >= 0) size = at + last + 1 - position;
    at += chunk.length;
  }
  return size;
}
