// Rule 6: the members change one at a time, and every committed record is held by a majority of the register's present
// members. So both sets count before the write is sent, until its outcome is known and stored here. A read of the old value
// settles nothing, since the write may come yet; another write that succeeds at the same index does.
import { agreedEnd } from './commit.ts';
import { isNear } from './journal.ts';
import { sameMembers, sameUids } from './position.ts';
import { wantRead, write } from './register.ts';
import { type Change, identityOf, type Leadership, note, type State, selfIdentity } from './state.ts';
import { startTransfer } from './transfer.ts';
import type { Member, RegisterOutcome, RegisterSnapshot } from './types.ts';

/** Begins, carries on or drops a change: called after every event. */
export function changeMembers(s: State): void {
  const { leading } = s;
  if (leading?.phase !== 'serving' || leading.transfer) return;
  leading.change ??= nextChange(s, leading);
  const { change } = leading;
  if (!change) return;
  if (change.phase === 'counting') count(s, leading, change);
  if (change.phase === 'unsure' && !s.reading && !s.writing) wantRead(s);
  if (change.phase === 'saving' && sameMembers(s.durable.members, change.members)) {
    leading.members = change.members;
    leading.change = null;
  }
}

/** Waits until the commit, at least `start`, is held by majorities of both sets; then writes. */
function count(s: State, leading: Leadership, change: Change): void {
  if (!sameUids(leading.members, change.members) && s.nowMs - change.startedMs > s.config.timings.changeMs) {
    leading.change = null;
    note(s, 'a change of members was dropped: the new set did not catch up in time');
    return;
  }
  if (s.commit < (leading.start ?? 0)) return;
  if (agreedEnd(s, leading) < s.commit && s.config.rules.jointCounting) return;
  send(s, leading, change);
}

function send(s: State, leading: Leadership, change: Change): void {
  const { seen } = s;
  if (!seen?.value || seen.session === null || seen.session !== leading.session || s.writing) return;
  if (seen.value.leader.incarnation !== leading.claim.incarnation || s.readWanted || s.reading) return;
  leading.revision = Math.max(leading.revision, seen.value.revision) + 1;
  change.phase = 'writing';
  change.revision = leading.revision;
  const value = { ...seen.value, members: change.members, revision: change.revision };
  write(s, 'change', value, leading.session, seen);
}

export function onChangeWritten(s: State, outcome: RegisterOutcome): void {
  const { leading } = s;
  const change = leading?.change;
  if (!leading || change?.phase !== 'writing') return;
  if (outcome.kind === 'unknown') {
    change.phase = 'unsure';
    return;
  }
  settle(s, leading, change, outcome.kind === 'done' ? outcome.snapshot : outcome.now, true);
}

/** The register was read after an unknown outcome, or written again by us. */
export function onChangeSeen(s: State, now: RegisterSnapshot): void {
  const { leading } = s;
  const change = leading?.change;
  if (!leading || !change || (change.phase !== 'unsure' && change.phase !== 'counting')) return;
  settle(s, leading, change, now, false);
}

/** Known done: it counts alone once it is stored. Known not done: both sets end here. Else it is written again. */
function settle(
  s: State,
  leading: Leadership,
  change: Change,
  now: RegisterSnapshot,
  certain: boolean,
): void {
  const { value } = now;
  if (value?.leader.incarnation !== leading.claim.incarnation) return;
  leading.settledRevision = Math.max(leading.settledRevision, value.revision);
  if (change.phase === 'counting') return;
  if (sameMembers(value.members, change.members)) change.phase = 'saving';
  else if (certain || value.revision > change.revision) leading.change = null;
  else send(s, leading, change);
}

/** One logger swapped (a wiped volume, a new address), added or removed; the leader itself goes by a transfer first. */
function nextChange(s: State, leading: Leadership): Change | null {
  const { members } = leading;
  for (const follower of leading.followers.values()) {
    const peer = s.byUid.get(follower.uid)?.peer;
    if (!peer || !isWanted(s, members, peer.id) || !follower.matched || !isNear(s, follower.position.end))
      continue;
    const at = placeOf(members, peer.id);
    if (at < 0) return begin(s, leading, [...members, peer]);
    const present = members[at]!;
    const swapped = identityOf(s, present) !== identityOf(s, peer) && !s.byUid.has(present.uid);
    if (swapped || (present.uid === peer.uid && present.peer !== peer.peer))
      return begin(s, leading, members.with(at, peer));
  }
  const { wanted } = s;
  if (wanted === null || members.length === 1) return null;
  const leaving = members.find(({ id }) => !wanted.includes(id));
  if (!leaving) return null;
  if (identityOf(s, leaving) !== selfIdentity(s))
    return begin(
      s,
      leading,
      members.filter((member) => member !== leaving),
    );
  if (members.some(({ id }) => wanted.includes(id))) startTransfer(s, null, wanted);
  return null;
}

/** Where nothing is said of it: those that are members, and those configured. Without garbage, since it is asked at each event. */
const isWanted = (s: State, members: readonly Member[], id: string): boolean =>
  s.wanted === null ? placeOf(members, id) >= 0 || s.config.bootstrap.includes(id) : s.wanted.includes(id);

function placeOf(members: readonly Member[], id: string): number {
  let at = members.length - 1;
  while (at >= 0 && members[at]!.id !== id) at -= 1;
  return at;
}

const begin = (s: State, leading: Leadership, members: readonly Member[]): Change => {
  leading.movedMs = s.nowMs;
  return { members, phase: 'counting', startedMs: s.nowMs, revision: 0 };
};
