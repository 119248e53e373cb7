// Rule 6: the members change one at a time, and every committed record is held by a majority of the register's present
// members. So both sets count before the write is sent, until its outcome is known, and majorities of both sets have stored
// the new one: then no majority of an older set, as a backup of Consul may name it, can elect a leader without asking
// somebody who knows better. A read of the old value settles nothing, since the write may come yet; another write that
// succeeds at the same index does.
import { agreedEnd } from './commit.ts';
import { isNear } from './journal.ts';
import { compareVersions, majorityOf, sameMembers, sameUids, UNKNOWN_VERSION } from './position.ts';
import { learnMembers, wantRead, write } from './register.ts';
import {
  type Change,
  emit,
  type Follower,
  followerAt,
  identityOf,
  type Leadership,
  note,
  type State,
  selfIdentity,
} from './state.ts';
import { startTransfer } from './transfer.ts';
import type {
  CommitNote,
  Member,
  MemberSet,
  MembersStored,
  MembersVersion,
  RegisterOutcome,
  RegisterSnapshot,
} from './types.ts';

/** Begins, carries on or drops a change: called after every event. */
export function changeMembers(s: State): void {
  const { leading } = s;
  if (leading?.phase !== 'serving' || leading.transfer) return;
  leading.change ??= nextChange(s, leading);
  const { change } = leading;
  if (!change) return;
  if (change.phase === 'counting') count(s, leading, change);
  if (change.phase === 'unsure' && !s.reading && !s.writing) wantRead(s);
  if (change.phase === 'saving' && isKnown(s, leading, change)) {
    leading.members = change.members;
    leading.membersVersion = change.version;
    leading.change = null;
  }
}

/** The new members are on the disks of a majority of both sets, this one among them. */
function isKnown(s: State, leading: Leadership, { members, version }: Change): boolean {
  if (!sameMembers(s.durable.members, members) || !isStored(s, { version })) return false;
  if (!s.config.rules.changeKnown) return true;
  return [leading.members, members].every((set) => {
    const knowing = set.filter((member) => {
      if (identityOf(s, member) === selfIdentity(s)) return true;
      const follower = leading.followers.get(member.uid);
      return follower !== undefined && compareVersions(follower.membersVersion, version) >= 0;
    });
    return knowing.length >= majorityOf(set.length);
  });
}

/** These members, or newer ones, are on the own disk. */
const isStored = ({ durable }: State, { version }: Pick<MemberSet, 'version'>): boolean =>
  compareVersions(durable.membersVersion, version) >= 0;

/** The members that the register holds for certain. */
export const settledMembers = ({ change, members, membersVersion }: Leadership): MemberSet =>
  change?.phase === 'saving'
    ? { members: change.members, version: change.version }
    : { members, version: membersVersion };

/** Rule 6: followers store the members that their leader leads with; they may be cut off from Consul. */
export function tellMembers(s: State, leading: Leadership, { link, stream }: Follower): void {
  const { epoch } = leading.claim;
  const members = settledMembers(leading);
  const told = { type: 'commit', epoch, stream, commit: s.commit, first: s.log.first, members } as const;
  emit(s, { type: 'send', link, message: told });
}

/** As follower: stores them, and says so once they are on disk. */
export function onMembersTold(s: State, link: number, { epoch, stream, members }: CommitNote): void {
  if (!members) return;
  learnMembers(s, members);
  s.membersOwed = { link, epoch, stream, version: members.version };
}

export function answerMembers(s: State): void {
  const { membersOwed: owed } = s;
  if (!owed || !isStored(s, owed)) return;
  s.membersOwed = null;
  const { link, epoch, stream, version } = owed;
  if (s.links.has(link))
    emit(s, { type: 'send', link, message: { type: 'members-stored', epoch, stream, version } });
}

export function onMembersStored(s: State, link: number, { epoch, stream, version }: MembersStored): void {
  const follower = followerAt(s, link);
  if (!follower || follower.stream !== stream || s.leading?.claim.epoch !== epoch) return;
  if (compareVersions(version, follower.membersVersion) > 0) follower.membersVersion = version;
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
  const { revision } = leading;
  change.phase = 'writing';
  change.version = { epoch: leading.claim.epoch, revision };
  const value = { ...seen.value, members: change.members, membersVersion: change.version, revision };
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
  const isWritten = compareVersions(value.membersVersion, leading.membersVersion) > 0;
  if (isWritten && sameMembers(value.members, change.members)) save(s, leading, change, value.membersVersion);
  else if (certain || value.revision > change.version.revision) leading.change = null;
  else send(s, leading, change);
}

function save(s: State, leading: Leadership, change: Change, version: MembersVersion): void {
  change.phase = 'saving';
  change.version = version;
  for (const follower of leading.followers.values())
    if (follower.stream !== 0) tellMembers(s, leading, follower);
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
  if (isOvertaken(leading)) return begin(s, leading, members);
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

/**
 * A follower knows newer members, from a change that did not come about before Consul was restored. The present ones are
 * written again: their version is newer then, and the follower counts again.
 */
function isOvertaken({ followers, membersVersion }: Leadership): boolean {
  for (const follower of followers.values())
    if (follower.matched && compareVersions(follower.membersVersion, membersVersion) > 0) return true;
  return false;
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
  return { members, phase: 'counting', startedMs: s.nowMs, version: UNKNOWN_VERSION };
};
