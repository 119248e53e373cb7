// The producer table at the begin of a segment, from the snapshot saved with it. Where that cannot be read the table is made
// from an older snapshot and the batches since: the table is a function of the log, and the log is still there.

import { contentCrc } from './batch.ts';
import { ChunkReader } from './chunk-reader.ts';
import { LogDamagedError } from './damage.ts';
import type { Disk } from './disk.ts';
import { segmentFile } from './names.ts';
import { decodeProducers } from './producer-snapshot.ts';
import { ProducerTable } from './producers.ts';
import { SCAN_CHUNK_BYTES, scan } from './scan.ts';
import type { Segment } from './segments.ts';
import { readWhole } from './small-file.ts';
import type { EpochPair } from './types.ts';

/** The table at the begin of `segment`, one of `segments`. Rejects with LogDamagedError when nothing leads to it. */
export async function savedProducers(
  disk: Disk,
  directory: string,
  log: {
    readonly segments: readonly Segment[];
    readonly segment: Segment;
    readonly pairs: readonly EpochPair[];
  },
): Promise<ProducerTable> {
  const before = log.segments.slice(0, log.segments.indexOf(log.segment));
  const replay: Segment[] = [];
  for (const from of [log.segment, ...before.toReversed()]) {
    const table = await snapshotOf(disk, directory, from);
    if (table === null) {
      replay.unshift(from);
      continue;
    }
    for (const segment of [from, ...replay].slice(0, -1))
      await apply(disk, directory, segment, log.pairs, table);
    return table;
  }
  throw new LogDamagedError(`no producer snapshot up to ${log.segment.base} can be read`);
}

/** The saved table of one segment; null when it cannot be read. At offset 0 there is no file: no producer is known yet. */
async function snapshotOf(disk: Disk, directory: string, segment: Segment): Promise<ProducerTable | null> {
  const { base, unsavedProducers } = segment;
  if (base === 0) return new ProducerTable();
  const bytes = unsavedProducers ?? (await readWhole(disk, `${directory}/${segmentFile(base, 'producers')}`));
  const snapshot = bytes && decodeProducers(bytes);
  return snapshot?.offset === base ? snapshot.table : null;
}

/** Takes a sealed segment's batches into `table`. */
async function apply(
  disk: Disk,
  directory: string,
  { base, writtenBytes }: Segment,
  pairs: readonly EpochPair[],
  table: ProducerTable,
): Promise<void> {
  const file = await disk.open(`${directory}/${segmentFile(base, 'log')}`, 'read');
  try {
    const reader = new ChunkReader(file, writtenBytes, SCAN_CHUNK_BYTES);
    const { problem } = await scan(reader, { offset: base, timestampMs: 0 }, pairs, (header, bytes) => {
      if (header.producer) table.apply(header, contentCrc(bytes));
    });
    if (problem !== null) throw new LogDamagedError(`segment ${base}: ${problem}`);
  } finally {
    await file.close();
  }
}
