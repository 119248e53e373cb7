// Storing epoch pairs. A new one goes into the recovery mark, since a new leader waits for it; the leader-epoch checkpoint
// gets it later, when nobody waits. The CRC of the checkpoint is in the mark, whose two slots hold the former one and the
// new one while the file is exchanged: whichever of both contents a crash leaves, a slot knows it, and knows the pair that
// it lacks. Hence nothing else may write the mark meanwhile, and the newest slot must know the file before and after.

import { LoggerError } from '../errors.ts';
import { RefusedError } from './damage.ts';
import { isNoRoom } from './disk.ts';
import { CHECKPOINT_FILE } from './names.ts';
import { formatPairs, pairsCrc, pairsFrom, pairsProblem } from './pairs.ts';
import type { LogParts } from './parts.ts';
import { putInPlace, writeTemporary } from './small-file.ts';
import type { EpochPair } from './types.ts';

type Parts = Pick<LogParts, 'disk' | 'directory' | 'content' | 'mark' | 'writer'>;

/** Within a turn. Durable when it resolves; rejects with `disk-full` and nothing changed. */
export async function storePairs(parts: Parts, pairs: readonly EpochPair[]): Promise<void> {
  const { disk, directory, content, mark, writer } = parts;
  const before = writer.markNow();
  const [marked, written] = await Promise.allSettled([
    mark.save({ ...before, pairsCrc: pairsCrc(pairs), pending: null }),
    writeTemporary(disk, directory, CHECKPOINT_FILE, formatPairs(pairs)),
  ]);
  if (marked.status === 'rejected') throw marked.reason;
  try {
    if (written.status === 'rejected') throw written.reason;
    await putInPlace(disk, directory, CHECKPOINT_FILE);
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    await mark.amend(before);
    throw new LoggerError('disk-full', 'no room for the leader-epoch checkpoint', { cause: error });
  }
  content.pairs = pairs;
}

/** Within a turn: the checkpoint gets the pair that only the mark has. */
export async function settlePairs(parts: Parts): Promise<void> {
  const { content, mark } = parts;
  if (mark.values.pending === null) return;
  await storePairs(parts, content.pairs);
  await saveInBothSlots(parts);
}

/** A second time, so that damage to one slot cannot take away what somebody relies on. */
const saveInBothSlots = ({ mark, writer }: Parts): Promise<void> => mark.save(writer.markNow());

/** As `Log.addPair`. Nothing is appended meanwhile. */
export async function addPair(parts: Parts, pair: EpochPair): Promise<void> {
  const { content, mark, writer } = parts;
  const pairs = [...content.pairs, pair];
  const problem = pairsProblem(pairs);
  if (problem !== null) throw new RefusedError(`the pair does not continue the log: ${problem}`);
  if (pair.start !== content.end)
    throw new RefusedError(`the pair starts at ${pair.start}, the log ends at ${content.end}`);
  // What a pair starts at must be there whenever the pair is.
  await writer.sync();
  await writer.turn(async () => {
    await settlePairs(parts);
    await mark.save({ ...writer.markNow(), pending: pair });
    content.pairs = pairs;
  });
  // Nobody waits for that, and a failure has ended the log.
  writer.turn(() => saveInBothSlots(parts)).catch(() => {});
}

/** As `Log.cutPairsAbove`. */
export async function cutPairsAbove(parts: Parts, epoch: number): Promise<void> {
  const { content, writer } = parts;
  await writer.turn(async () => {
    const pairs = content.pairs.filter((pair) => pair.epoch <= epoch || pair.start < content.end);
    if (pairs.length !== content.pairs.length) await storePairs(parts, pairs);
  });
}

/** Within a turn: drops the pairs that a log from `first` on has no use for. */
export async function trimPairs(parts: Parts, first: number): Promise<void> {
  const pairs = pairsFrom(parts.content.pairs, first);
  if (pairs.length !== parts.content.pairs.length) await storePairs(parts, pairs);
}
