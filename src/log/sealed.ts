// A sealed segment at start. It was whole and synced before the next one began, so it is not read through; but that it
// still reaches to the next one's first offset is checked, by a walk from its last index entry to its end.

import { ChunkReader } from './chunk-reader.ts';
import { LogDamagedError } from './damage.ts';
import type { Disk } from './disk.ts';
import { segmentFile } from './names.ts';
import { OffsetIndex } from './offset-index.ts';
import { SCAN_CHUNK_BYTES, scan } from './scan.ts';
import { Segment } from './segments.ts';
import { readWhole, writeWhole } from './small-file.ts';
import type { BatchHeader, EpochPair } from './types.ts';

const TAIL_CHUNK_BYTES = 16 * 1024;

/** The sealed segment from `base` to `end`. Rejects with LogDamagedError where it is not that. */
export async function openSealed(
  disk: Disk,
  directory: string,
  { base, end, pairs }: { readonly base: number; readonly end: number; readonly pairs: readonly EpochPair[] },
): Promise<Segment> {
  const file = await disk.open(`${directory}/${segmentFile(base, 'log')}`, 'read');
  try {
    const segment = new Segment(base, null);
    segment.sizeBytes = await file.size();
    segment.writtenBytes = segment.sizeBytes;
    const saved = await readWhole(disk, `${directory}/${segmentFile(base, 'index')}`);
    const index = saved && OffsetIndex.decode(base, saved, segment.sizeBytes);
    const last =
      index && (await lastBatch(new ChunkReader(file, segment.sizeBytes, TAIL_CHUNK_BYTES), index));
    if (last?.baseOffset !== undefined && last.baseOffset + last.count === end) {
      segment.maxTimestampMs = last.maxTimestampMs;
    } else {
      const reader = new ChunkReader(file, segment.sizeBytes, SCAN_CHUNK_BYTES);
      await rebuildIndex(disk, directory, { reader, segment, end, pairs });
    }
    segment.index = null;
    return segment;
  } finally {
    await file.close();
  }
}

/** The last batch, walking from the last index entry; null when the walk goes astray. */
async function lastBatch(reader: ChunkReader, index: OffsetIndex): Promise<BatchHeader | null> {
  let position = index.length === 0 ? 0 : index.positionAt(index.length - 1);
  let last: BatchHeader | null = null;
  try {
    while (position < reader.limit) {
      const header = await reader.header(position);
      last = header;
      position += header.sizeBytes;
    }
  } catch (error) {
    if (!(error instanceof LogDamagedError)) throw error;
    return null;
  }
  return last;
}

/** The log is the truth: where the index does not fit it, it is read through, and a new index made. */
async function rebuildIndex(
  disk: Disk,
  directory: string,
  parts: { reader: ChunkReader; segment: Segment; end: number; pairs: readonly EpochPair[] },
): Promise<void> {
  const { reader, segment, end, pairs } = parts;
  const index = new OffsetIndex(segment.base);
  const start = { offset: segment.base, timestampMs: 0 };
  const { offset, timestampMs, problem } = await scan(reader, start, pairs, (header, bytes, position) =>
    index.add(header.baseOffset + header.lastOffsetDelta, position, bytes.length),
  );
  if (problem !== null) throw new LogDamagedError(`segment ${segment.base}, offset ${offset}: ${problem}`);
  if (offset !== end)
    throw new LogDamagedError(`segment ${segment.base} ends at ${offset}, the next begins at ${end}`);
  segment.maxTimestampMs = timestampMs;
  await writeWhole(disk, directory, segmentFile(segment.base, 'index'), index.encode());
}
