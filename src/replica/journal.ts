// The log as the core sees it: what is appended, what of it is on disk, and the one change at a time that cuts it,
// starts it anew or stores a pair. While a change is under way nothing is appended, promised or acknowledged.
import { lastEpoch } from './position.ts';
import { emit, type State } from './state.ts';
import type { Effect, LogView, Position } from './types.ts';

/** Position of everything appended. */
export const position = (s: State): Position => ({ epoch: lastEpoch(s.log.pairs), end: s.log.end });

/** Position of what is on disk: pairs always are, with the records below them. */
export const durablePosition = (s: State): Position => ({
  epoch: lastEpoch(s.log.pairs),
  end: s.log.syncedEnd,
});

/** Nothing is under way and every appended byte is on disk. */
export const isSettled = (s: State): boolean => !s.log.changing && s.log.syncedEnd === s.log.end;

/** Sees to it that all appended so far gets on disk. One sync at a time: each covers what came during the last. */
export function wantSync(s: State): void {
  if (s.log.syncing || s.log.changing || s.log.syncedEnd === s.log.end) return;
  s.log.syncing = true;
  emit(s, { type: 'sync' });
}

/** A sync vouches for its end only in the generation it was issued in: a cut since then voids it. */
export function onSynced(s: State, end: number, generation: number): void {
  s.log.syncing = false;
  const current = generation === s.log.generation || !s.config.rules.generationChecked;
  if (current && end > s.log.syncedEnd) s.log.syncedEnd = Math.min(end, s.log.end);
  wantSync(s);
}

export function change(s: State, effect: Extract<Effect, { type: 'cut' | 'add-pair' | 'reset' }>): void {
  s.log.changing = true;
  emit(s, effect);
}

export function onChanged(s: State, log: LogView): void {
  const { syncing, trimming } = s.log;
  s.log = { ...log, changing: false, syncing, trimming, trimAsked: log.first };
}

export function onTrimmed(s: State, first: number): void {
  s.log.trimming = false;
  s.log.first = Math.max(s.log.first, first);
}

/** Commit never falls (section 1); it is told at once. */
export function raiseCommit(s: State, commit: number): boolean {
  if (commit <= s.commit) return false;
  s.commit = commit;
  emit(s, { type: 'commit', commit });
  return true;
}

/** So few records behind our end that a follower has them in a moment. */
export const isNear = (s: State, end: number): boolean => s.log.end - end <= s.config.timings.caughtUpRecords;
