// The leader-epoch checkpoint: which epoch began at which offset, in Kafka's text format (version 0: a line with the
// version, one with the count, then "epoch start" each). The text has no CRC; the recovery mark keeps one for it.

import { crc32c } from '@node-rs/crc32';
import { partition } from './offset-index.ts';
import type { EpochPair } from './types.ts';

const VERSION = '0';
const ENTRY = /^(\d{1,16}) (\d{1,16})$/;

/** Epochs rise, starts never fall. */
export function pairsProblem(pairs: readonly EpochPair[]): string | null {
  let last: EpochPair = { epoch: 0, start: 0 };
  for (const pair of pairs) {
    if (pair.epoch <= last.epoch) return `epoch ${pair.epoch} comes after epoch ${last.epoch}`;
    if (!Number.isSafeInteger(pair.epoch) || !Number.isSafeInteger(pair.start))
      return `epoch ${pair.epoch} at ${pair.start} is impossible`;
    if (pair.start < last.start) return `start ${pair.start} comes after start ${last.start}`;
    last = pair;
  }
  return null;
}

export function formatPairs(pairs: readonly EpochPair[]): Buffer {
  const lines = [VERSION, String(pairs.length), ...pairs.map(({ epoch, start }) => `${epoch} ${start}`)];
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** The pairs in a checkpoint, or null when it is not one. */
export function parsePairs(bytes: Buffer): EpochPair[] | null {
  const [version, count, ...lines] = bytes.toString('latin1').split('\n');
  if (version !== VERSION || lines.pop() !== '' || count !== String(lines.length)) return null;
  const pairs: EpochPair[] = [];
  for (const line of lines) {
    const match = ENTRY.exec(line);
    if (!match) return null;
    pairs.push({ epoch: Number(match[1]), start: Number(match[2]) });
  }
  return pairsProblem(pairs) === null ? pairs : null;
}

export const pairsCrc = (pairs: readonly EpochPair[]): number => crc32c(formatPairs(pairs));

export const lastEpoch = (pairs: readonly EpochPair[]): number => pairs.at(-1)?.epoch ?? 0;

/** Epoch of the record at `offset`, 0 where no pair covers it. */
export function epochAt(pairs: readonly EpochPair[], offset: number): number {
  const after = partition(pairs.length, (at) => (pairs[at] as EpochPair).start > offset);
  return pairs[after - 1]?.epoch ?? 0;
}

/** What a cut to `end` leaves: a pair at `end` itself is an entry before the cut and stays. */
export const pairsUpTo = (pairs: readonly EpochPair[], end: number): EpochPair[] =>
  pairs.filter(({ start }) => start <= end);

/** What a log that now begins at `first` still needs: the pair that covers `first`, and all that start from there on. */
export const pairsFrom = (pairs: readonly EpochPair[], first: number): EpochPair[] =>
  pairs.filter(({ start }, index) => start >= first || (pairs[index + 1]?.start ?? Infinity) > first);
