// Arithmetic of positions, claims and pairs: no state, no decisions.
import type { Claim, EpochPair, Member, MembersVersion, Position } from './types.ts';

/** Negative, zero or positive, as `a` is lower, equal or higher. Epoch first: a longer log of an older epoch is lower. */
export const comparePositions = (a: Position, b: Position, byEpoch = true): number =>
  byEpoch && a.epoch !== b.epoch ? a.epoch - b.epoch : a.end - b.end;

/** Negative, zero or positive, as `a` is older, equal or newer. */
export const compareVersions = (a: MembersVersion, b: MembersVersion): number =>
  a.epoch - b.epoch || a.revision - b.revision;

export const UNKNOWN_VERSION: MembersVersion = { epoch: 0, revision: 0 };

export const sameClaim = (a: Claim | null, b: Claim | null): boolean =>
  a !== null && b !== null && a.epoch === b.epoch && a.incarnation === b.incarnation;

export const lastEpoch = (pairs: readonly EpochPair[]): number => pairs.at(-1)?.epoch ?? 0;

export const hasPair = (pairs: readonly EpochPair[], epoch: number): boolean => {
  for (let i = pairs.length - 1; i >= 0; i -= 1) {
    const at = pairs[i]!.epoch;
    if (at === epoch) return true;
    if (at < epoch) return false;
  }
  return false;
};

export const sameUids = (a: readonly Member[], b: readonly Member[]): boolean =>
  a.length === b.length && a.every(({ uid }) => b.some((other) => other.uid === uid));

export const sameMembers = (a: readonly Member[], b: readonly Member[]): boolean =>
  a.length === b.length &&
  a.every(({ id, uid, peer }) =>
    b.some((other) => other.uid === uid && other.id === id && other.peer === peer),
  );

export const majorityOf = (count: number): number => Math.floor(count / 2) + 1;
