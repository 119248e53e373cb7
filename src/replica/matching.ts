// Where two logs part (rule 4), as Kafka finds it since KIP-101 and KIP-279. A pair was made once, by the leader of its
// epoch, and is copied in order: two logs that both have it are equal up to its start, and from there as far as both go
// on in that epoch. So the last epoch that both have decides; offsets alone say nothing.
import type { EpochPair, Position } from './types.ts';

export interface Extent {
  readonly first: number;
  readonly end: number;
  readonly pairs: readonly EpochPair[];
}

export type Match =
  /** Equal below `end` and up to the pair of `epoch`. */
  | { readonly kind: 'shared'; readonly end: number; readonly epoch: number }
  /** None of the pairs shown: show those below. */
  | { readonly kind: 'older'; readonly below: number }
  /** What the receiver lacks is not kept any more. */
  | { readonly kind: 'restart' }
  | { readonly kind: 'disagree'; readonly epoch: number };

/** `tail.pairs` are the highest of the receiver; `complete` when it has no lower ones. */
export function match(source: Extent, tail: Extent & { readonly complete: boolean }): Match {
  if (tail.end < source.first) return { kind: 'restart' };
  for (let i = tail.pairs.length - 1; i >= 0; i -= 1) {
    const { epoch, start } = tail.pairs[i]!;
    const at = indexOf(source.pairs, epoch);
    if (at < 0) continue;
    if (source.pairs[at]!.start !== start) return { kind: 'disagree', epoch };
    const end = Math.min(endAfter(source, at), tail.pairs[i + 1]?.start ?? tail.end);
    return end < source.first ? { kind: 'restart' } : { kind: 'shared', end, epoch };
  }
  if (!tail.complete) return { kind: 'older', below: tail.pairs[0]?.epoch ?? 0 };
  return source.first === 0 ? { kind: 'shared', end: 0, epoch: 0 } : { kind: 'restart' };
}

/**
 * The pair under which a whole log that ends at `position` is this one's too; null when it is not, or not to be told from
 * its last epoch alone. By the same argument as `match`: this log has that epoch and goes on in it as far.
 */
export function wholeUnder(source: Extent, position: Position): EpochPair | null {
  const at = indexOf(source.pairs, position.epoch);
  if (at < 0 || position.end < source.first || position.end > endAfter(source, at)) return null;
  return source.pairs[at]!;
}

/** Where the epoch at index `at` ends in this log. */
const endAfter = ({ pairs, end }: Extent, at: number): number => pairs[at + 1]?.start ?? end;

function indexOf(pairs: readonly EpochPair[], epoch: number): number {
  for (let i = pairs.length - 1; i >= 0; i -= 1) if (pairs[i]!.epoch === epoch) return i;
  return -1;
}
