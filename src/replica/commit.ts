// Rule 5: commit is the highest end that a majority of the members has acknowledged in this epoch, once that reaches the
// epoch's start. The leader's own fsync is one voice and need not be among the first. While the members change, a majority
// of the old and of the new set is needed (rule 6).
import { raiseCommit } from './journal.ts';
import { majorityOf } from './position.ts';
import { identityOf, type Leadership, type State, selfIdentity } from './state.ts';
import type { Member } from './types.ts';

/** The highest first. Reused at every call: this is the hot path. */
const ends: number[] = [];

/** By insertion: Array's own sort works on copies, which were a tenth of a leader's garbage. */
function insert(end: number): void {
  let at = ends.length;
  for (; at > 0 && ends[at - 1]! < end; at -= 1) ends[at] = ends[at - 1]!;
  ends[at] = end;
}

/** Moves commit as far as the acknowledgements allow. */
export function advanceCommit(s: State): void {
  const { leading } = s;
  if (!leading || leading.start === null) return;
  const agreed = agreedEnd(s, leading);
  if (agreed < leading.start && s.config.rules.epochStart) return;
  if (raiseCommit(s, agreed)) leading.movedMs = s.nowMs;
}

/** The end that majorities of all sets that count now hold on disk; -1 when there is none. */
export function agreedEnd(s: State, leading: Leadership): number {
  const agreed = majorityEnd(s, leading, leading.members);
  const { change } = leading;
  const { jointCounting, jointUntilKnown } = s.config.rules;
  if (!change || !jointCounting || (change.phase === 'unsure' && !jointUntilKnown)) return agreed;
  return Math.min(agreed, majorityEnd(s, leading, change.members));
}

function majorityEnd(s: State, leading: Leadership, members: readonly Member[]): number {
  ends.length = 0;
  for (const member of members) insert(ackedEnd(s, leading, member));
  const needed = s.config.rules.majority ? majorityOf(members.length) : 1;
  return ends[needed - 1] ?? -1;
}

/** What counts of a member: its acknowledged end once it is matched, nothing before. */
function ackedEnd(s: State, leading: Leadership, member: Member): number {
  const identity = identityOf(s, member);
  if (identity === selfIdentity(s)) return s.log.syncedEnd;
  let end = -1;
  for (const follower of leading.followers.values()) {
    if (follower.uid !== member.uid && !sameIdentity(s, follower.uid, identity)) continue;
    if (follower.matched) end = Math.max(end, follower.position.end);
  }
  return end;
}

const sameIdentity = (s: State, uid: string, identity: string): boolean => {
  const peer = s.byUid.get(uid)?.peer;
  return !s.config.rules.uidChecked && peer?.id === identity;
};
