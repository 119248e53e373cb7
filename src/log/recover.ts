// What the files of a log amount to at start. The last segment is read through, batch by batch; those before it were
// sealed whole. What is wrong below the recovery mark is damage (LogDamagedError): a record that this logger vouched for is
// gone, and it must not go on as if it were the same. Beyond the mark the log is cut where the whole batches end. Bytes that are no
// batch, with no whole batch behind them, are a torn tail that was never acknowledged. A tail with whole batches behind the
// first bad byte is odd: a power failure leaves one if the disk kept later writes and lost earlier ones, and then it was
// never acknowledged either; but so do spoiled bytes of records that were. The log of an odd tail is uncertain.
// Zeros to the end of the file are what it was made longer by, ahead of writes (segment-files.ts): no tail at all.

import { contentCrc } from './batch.ts';
import { ChunkReader } from './chunk-reader.ts';
import { LogDamagedError } from './damage.ts';
import { type Disk, type DiskFile, isMissing, vouched } from './disk.ts';
import { CHECKPOINT_FILE, parseSegmentFile, segmentFile } from './names.ts';
import { formatPairs, pairsCrc, pairsProblem, pairsUpTo, parsePairs } from './pairs.ts';
import type { ProducerTable } from './producers.ts';
import { type MarkValues, RecoveryMark } from './recovery-mark.ts';
import { resumeReset } from './reset.ts';
import { savedProducers } from './saved-producers.ts';
import { SCAN_CHUNK_BYTES, type Scanned, scan, sizeWithoutZeros, wholeBatchFollows } from './scan.ts';
import { openSealed } from './sealed.ts';
import { Segment, Segments } from './segments.ts';
import { isTemporary, readWhole, storeNames, writeWhole } from './small-file.ts';
import type { EpochPair } from './types.ts';

export interface RecoveredLog {
  readonly segments: Segments;
  readonly end: number;
  readonly pairs: readonly EpochPair[];
  readonly producers: ProducerTable;
  readonly mark: RecoveryMark;
  /** Bytes of a torn or odd tail that were cut off. */
  readonly tornBytes: number;
  /** What was odd about the tail; null where it was not. */
  readonly oddTail: string | null;
  /** Pairs beyond the end that were dropped. */
  readonly droppedPairs: number;
  /** A reset that a crash had interrupted was finished. */
  readonly resumedReset: boolean;
}

/**
 * Reads the log in `directory` and mends what a crash may leave. Rejects with LogDamagedError, and nothing changed. An odd tail is cut
 * once `becomeUncertain` has stored that there was one.
 */
export async function recover(
  disk: Disk,
  directory: string,
  becomeUncertain: () => Promise<void>,
): Promise<RecoveredLog> {
  await storeFoundNames(disk, directory);
  const resumedReset = await resumeReset(disk, directory, async (values) => {
    const mark = await RecoveryMark.create(disk, directory, values);
    await mark.close();
  });
  const mark = await openMark(disk, directory);
  try {
    const stored = await loadPairs(disk, directory, mark);
    const bases = await segmentBases(disk, directory, mark.values);
    const sealed: Segment[] = [];
    for (const [index, base] of bases.slice(0, -1).entries())
      sealed.push(
        await openSealed(disk, directory, { base, end: bases[index + 1] as number, pairs: stored }),
      );
    const last = await openLast(disk, directory, {
      base: bases.at(-1) as number,
      sealed,
      pairs: stored,
      mark,
      becomeUncertain,
    });

    const pairs = pairsUpTo(stored, last.end);
    await tidy(disk, directory, bases);
    await vouched(disk.syncDirectory(directory));
    await savePairs(disk, directory, { mark, stored, pairs, first: bases[0] as number, end: last.end });
    const segments = new Segments([...sealed, last.segment]);
    const droppedPairs = stored.length - pairs.length;
    const { end, producers, tornBytes, oddTail } = last;
    return { segments, end, pairs, producers, mark, tornBytes, oddTail, droppedPairs, resumedReset };
  } catch (error) {
    await mark.close();
    throw error;
  }
}

async function storeFoundNames(disk: Disk, directory: string): Promise<void> {
  try {
    await storeNames(disk, directory);
  } catch (error) {
    if (isMissing(error)) throw new LogDamagedError('the directory of the log is missing');
    throw error;
  }
}

/** The mark is raised to the end; pairs beyond it go. A pair that only the mark has stays there: the disk may be full. */
async function savePairs(
  disk: Disk,
  directory: string,
  found: {
    mark: RecoveryMark;
    stored: readonly EpochPair[];
    pairs: readonly EpochPair[];
    first: number;
    end: number;
  },
): Promise<void> {
  const { mark, stored, pairs, first, end } = found;
  const { pending, pairsCrc: fileCrc } = mark.values;
  if (pairs.length === stored.length) {
    await mark.save({ ...mark.values, synced: end, first });
    return;
  }
  // The pending one is the last of all, so it is among those that go.
  const isInFile = pairs.length < stored.length - (pending ? 1 : 0);
  const crc = isInFile ? pairsCrc(pairs) : fileCrc;
  await mark.save({ ...mark.values, synced: end, pairsCrc: crc, pending: null, first });
  if (isInFile) await writeWhole(disk, directory, CHECKPOINT_FILE, formatPairs(pairs));
}

async function openMark(disk: Disk, directory: string): Promise<RecoveryMark> {
  try {
    return await RecoveryMark.open(disk, directory);
  } catch (error) {
    if (isMissing(error)) throw new LogDamagedError('the recovery mark is missing');
    throw error;
  }
}

async function loadPairs(disk: Disk, directory: string, mark: RecoveryMark): Promise<EpochPair[]> {
  const bytes = await readWhole(disk, `${directory}/${CHECKPOINT_FILE}`);
  const pairs = bytes && parsePairs(bytes);
  if (!pairs)
    throw new LogDamagedError(`the leader-epoch checkpoint ${bytes ? 'cannot be read' : 'is missing'}`);
  const crc = pairsCrc(pairs);
  const known = [mark.values, mark.former].find((values) => values?.pairsCrc === crc);
  if (!known) throw new LogDamagedError('the leader-epoch checkpoint is not the one that was written');
  const { pending } = known;
  const all = pending ? [...pairs, pending] : pairs;
  const problem = pairsProblem(all);
  if (problem !== null)
    throw new LogDamagedError(`the recovery mark does not continue the checkpoint: ${problem}`);
  // From here on the newest mark knows the file, as store-pairs.ts needs it.
  if (known !== mark.values) await mark.amend({ ...mark.values, pairsCrc: crc, pending });
  return all;
}

/**
 * First offsets of the segments, rising. The mark was raised to the second segment's before the first could go, and to a new
 * start before its segment was made: a log that begins above it, which may be empty, would claim offsets that it never had.
 */
async function segmentBases(
  disk: Disk,
  directory: string,
  { synced, first: marked }: MarkValues,
): Promise<number[]> {
  const bases: number[] = [];
  for (const name of await disk.list(directory)) {
    const file = parseSegmentFile(name);
    if (file?.kind === 'log') bases.push(file.base);
  }
  const [first] = bases;
  if (first === undefined) throw new LogDamagedError('there is no segment');
  if (first > synced)
    throw new LogDamagedError(
      `the log begins at ${first}, but offset ${synced} was still there when it was marked`,
    );
  if (marked !== null && first > marked)
    throw new LogDamagedError(
      `the log begins at ${first}, but the segments from ${marked} on were not removed`,
    );
  return bases;
}

interface LastSegment {
  readonly segment: Segment;
  readonly end: number;
  readonly producers: ProducerTable;
  readonly tornBytes: number;
  readonly oddTail: string | null;
}

interface LogBefore {
  readonly base: number;
  readonly sealed: readonly Segment[];
  readonly pairs: readonly EpochPair[];
  readonly mark: RecoveryMark;
  readonly becomeUncertain: () => Promise<void>;
}

async function openLast(disk: Disk, directory: string, log: LogBefore): Promise<LastSegment> {
  const { base, sealed, pairs, mark } = log;
  const segment = new Segment(base, null);
  const producers = await savedProducers(disk, directory, { segments: [...sealed, segment], segment, pairs });
  const file = await disk.open(`${directory}/${segmentFile(base, 'log')}`, 'write');
  try {
    const size = await file.size();
    const reader = new ChunkReader(file, size, SCAN_CHUNK_BYTES);
    const start = { offset: base, timestampMs: sealed.at(-1)?.maxTimestampMs ?? 0 };
    let unsureFrom: number | null = null;
    const scanned = await scan(reader, start, pairs, (header, bytes, position) => {
      if (header.baseOffset + header.count > mark.values.synced) unsureFrom ??= position;
      segment.index?.add(header.baseOffset + header.lastOffsetDelta, position, bytes.length);
      if (header.producer) producers.apply(header, contentCrc(bytes));
    });
    const tornBytes = await sizeWithoutZeros(reader, scanned.position);
    const oddTail = await oddityOf(scanned, reader, tornBytes, mark.values.synced);
    if (oddTail !== null) await log.becomeUncertain();
    segment.sizeBytes = scanned.position;
    segment.writtenBytes = scanned.position;
    segment.maxTimestampMs = scanned.position === 0 ? 0 : scanned.timestampMs;
    await rewrite(file, unsureFrom ?? scanned.position, scanned.position);
    await settle(file, scanned.position, size);
    return { segment, end: scanned.offset, producers, tornBytes, oddTail };
  } finally {
    await file.close();
  }
}

/** What is odd about the tail; null for none, and for one that is merely torn. Throws for damage below the mark. */
async function oddityOf(
  scanned: Scanned,
  reader: ChunkReader,
  tornBytes: number,
  synced: number,
): Promise<string | null> {
  const { offset, position, isMisplaced } = scanned;
  const problem = tornBytes === 0 ? null : scanned.problem;
  if (offset < synced)
    throw new LogDamagedError(
      `offset ${offset} was synced (up to ${synced}), but: ${problem ?? 'the log ends there'}`,
    );
  if (problem === null) return null;
  if (isMisplaced) return `offset ${offset}: a whole batch that does not belong there: ${problem}`;
  const follows = await wholeBatchFollows(reader, position, offset);
  return follows ? `offset ${offset}: ${problem}, and a whole batch follows` : null;
}

/** Writes the same bytes again: beyond the recovery mark they may be in the page cache only, and clean (see disk.ts). */
async function rewrite(file: DiskFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += SCAN_CHUNK_BYTES) {
    const bytes = Buffer.allocUnsafe(Math.min(SCAN_CHUNK_BYTES, to - at));
    await file.read(bytes, at);
    await file.write([bytes], at);
  }
}

/** What was read counts from here on. The size is changed in any case: that of a cut may not be on the disk either. */
async function settle(file: DiskFile, position: number, size: number): Promise<void> {
  await file.extend(size + 1);
  await file.truncate(position);
  await vouched(file.datasync());
}

/** Removes what crashes leave behind: unfinished files, and those of segments that are gone. */
async function tidy(disk: Disk, directory: string, bases: readonly number[]): Promise<void> {
  for (const name of await disk.list(directory)) {
    const file = parseSegmentFile(name);
    if (isTemporary(name) || (file && !bases.includes(file.base))) await disk.remove(`${directory}/${name}`);
  }
}
