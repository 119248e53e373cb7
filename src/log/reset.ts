// Starting anew elsewhere: everything goes, and the log begins, empty, at an offset given by the leader. Between the
// old log and the new one lies a mess of files, so the wish is written down first, whole and durable. From then on it
// will be carried out: by this process, or by the next one at its start, as often as it takes.

import { LoggerError } from '../errors.ts';
import { readLong, writeLong } from './batch.ts';
import { LogDamagedError, RefusedError } from './damage.ts';
import { type Disk, isNoRoom, vouched } from './disk.ts';
import { CHECKPOINT_FILE, parseSegmentFile, RESET_FILE, segmentFile } from './names.ts';
import { formatPairs, pairsCrc, pairsProblem, parsePairs } from './pairs.ts';
import type { LogParts } from './parts.ts';
import { decodeProducers } from './producer-snapshot.ts';
import type { MarkValues } from './recovery-mark.ts';
import { readWhole, withCrc, withoutCrc, writeWhole } from './small-file.ts';
import type { EpochPair } from './types.ts';

interface Wish {
  readonly first: number;
  readonly pairs: readonly EpochPair[];
  /** The producer table at `first`, as `encodeProducers` makes it. */
  readonly producers: Buffer;
}

/** First offset, then the length of the pairs. */
const HEADER_SIZE_BYTES = 12;

function encodeWish({ first, pairs, producers }: Wish): Buffer {
  const text = formatPairs(pairs);
  const header = Buffer.alloc(HEADER_SIZE_BYTES);
  writeLong(header, first, 0);
  header.writeUInt32BE(text.length, 8);
  return withCrc(Buffer.concat([header, text, producers]));
}

function decodeWish(guarded: Buffer): Wish | null {
  const bytes = withoutCrc(guarded);
  if (bytes === null || bytes.length < HEADER_SIZE_BYTES) return null;
  const producersAt = HEADER_SIZE_BYTES + bytes.readUInt32BE(8);
  const pairs = parsePairs(bytes.subarray(HEADER_SIZE_BYTES, producersAt));
  return pairs && { first: readLong(bytes, 0), pairs, producers: bytes.subarray(producersAt) };
}

/** As `Log.reset`. Rejects with RefusedError, or `disk-full`, and nothing changed. */
export function reset(parts: LogParts, wish: Wish): Promise<void> {
  const { disk, directory, content, files, mark, reader, writer } = parts;
  return writer.cut(async () => {
    const { table } = checkWish(wish, writer.commit);
    try {
      await writeWhole(disk, directory, RESET_FILE, encodeWish(wish));
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      throw new LoggerError('disk-full', 'no room to start anew', { cause: error });
    }
    await files.close();
    await carryOut(disk, directory, wish, (values) => mark.save(values));
    content.restart(wish.first, wish.pairs, table);
    reader.damage = null;
    writer.followReset();
    await writer.lookForRoom();
  });
}

function checkWish(
  { first, pairs, producers }: Wish,
  commit: number,
): NonNullable<ReturnType<typeof decodeProducers>> {
  const snapshot = decodeProducers(producers);
  if (snapshot?.offset !== first || !Number.isSafeInteger(first))
    throw new RefusedError(`the producer table is not one of offset ${first}`);
  if (first < commit)
    throw new RefusedError(`cannot start at ${first}: records below ${commit} are committed`);
  // Later pairs are entries behind `first` and come in order with the batches; having them would claim those.
  const problem =
    pairsProblem(pairs) ?? (pairs.some(({ start }) => start > first) ? 'a pair lies beyond' : null);
  if (problem !== null) throw new RefusedError(`cannot start at ${first}: ${problem}`);
  return snapshot;
}

/** At start: finishes a reset that a crash interrupted. Resolves with whether there was one. */
export async function resumeReset(
  disk: Disk,
  directory: string,
  saveMark: (values: MarkValues) => Promise<void>,
): Promise<boolean> {
  const bytes = await readWhole(disk, `${directory}/${RESET_FILE}`);
  if (bytes === null) return false;
  const wish = decodeWish(bytes);
  if (wish === null) throw new LogDamagedError('the staged reset cannot be read');
  try {
    checkWish(wish, 0);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new LogDamagedError(`the staged reset is none that was asked for: ${error.message}`);
  }
  await carryOut(disk, directory, wish, saveMark);
  return true;
}

async function carryOut(
  disk: Disk,
  directory: string,
  { first, pairs, producers }: Wish,
  saveMark: (values: MarkValues) => Promise<void>,
): Promise<void> {
  for (const name of await disk.list(directory))
    if (parseSegmentFile(name)) await disk.remove(`${directory}/${name}`);
  await writeWhole(disk, directory, segmentFile(first, 'producers'), producers);
  await writeWhole(disk, directory, CHECKPOINT_FILE, formatPairs(pairs));
  await saveMark({ synced: first, commit: first, pairsCrc: pairsCrc(pairs), pending: null, first });
  const segment = await disk.open(`${directory}/${segmentFile(first, 'log')}`, 'create');
  await segment.close();
  await vouched(disk.syncDirectory(directory));
  // Only now, and durably: a marker that came back would throw away what is appended next.
  await disk.remove(`${directory}/${RESET_FILE}`);
  await vouched(disk.syncDirectory(directory));
}
