// Rule 6, when there is no register: the first start, and a Consul that lost its disk. Both write only if there is still
// none (or still the same old one), so that two candidates cannot both succeed.
import { compareVersions } from './position.ts';
import { type Candidate, identityOf, isMember, note, type State } from './state.ts';
import type { Member, MembersVersion, PreVoteAnswer } from './types.ts';

/** The members that a claim relies on; a version of null is the claim's own: the set is new. */
export interface Electorate {
  readonly members: readonly Member[];
  readonly version: MembersVersion | null;
}

export const sortedUids = (members: readonly Member[]): string =>
  members
    .map(({ uid }) => uid)
    .sort()
    .join();

/** Everybody heard of so far, this replica among them. */
const reached = (s: State, run: Candidate): Member[] =>
  [s.config.self, ...[...s.links.values()].map(({ peer }) => peer)].filter((member) =>
    run.answers.has(identityOf(s, member)),
  );

/** A majority of the configured loggers, all of those reached empty: they are the first members. */
export function firstStart(s: State, run: Candidate): readonly Member[] | null {
  if ([...run.answers.values()].some(({ empty }) => !empty)) return null;
  const configured = s.config.bootstrap;
  const present = reached(s, run).filter(({ id }) => configured.includes(id));
  if (!isMember(s, present) || new Set(present.map(({ id }) => id)).size !== present.length) return null;
  // All of them are worth a short wait: whoever comes later needs a change of members to join.
  const waited = s.lostSinceMs !== null && s.nowMs - s.lostSinceMs >= s.config.timings.bootstrapMs;
  const enough = waited ? present.length * 2 > configured.length : present.length === configured.length;
  if (!enough) return null;
  return present.every((member) => run.answers.get(identityOf(s, member))?.yes) ? present : null;
}

/**
 * The register is gone, or older than what was promised since, but there is data. Majorities of both sets store a new set of
 * members before joint counting ends, so when all members of a set answer and none knows a newer one, there is none. All
 * of them must also promise before anything is adopted. The operator may do with less, by an explicit command.
 */
export function lostRegister(s: State, run: Candidate): Electorate | null {
  const members = s.membersSeen;
  if (members.length === 0 || !isMember(s, members)) return null;
  run.quorum = 'all';
  run.forced = false;
  if (missing(s, run).length === 0) return { members, version: s.membersVersion };
  if (!s.rebuildAllowed) return null;
  run.forced = true;
  return { members: everyoneWithData(s, run), version: null };
}

/** All that answer now and that anybody last saw as a member: what none of them has is lost in any case. */
function everyoneWithData(s: State, run: Candidate): readonly Member[] {
  const seen = new Set([...run.answers.values()].flatMap(({ lastSeen }) => lastSeen));
  return reached(s, run).filter(
    (member) => seen.has(member.uid) && run.answers.get(identityOf(s, member))?.yes === true,
  );
}

/** Members last seen that did not say yes, or do not agree that these are the members. */
const missing = (s: State, run: Candidate): readonly Member[] =>
  s.membersSeen.filter((member) => {
    const given = run.answers.get(identityOf(s, member));
    return given?.yes !== true || !agrees(s, given);
  });

/** It knows the same members, or older ones; older versions of this software do not tell how old theirs are. */
const agrees = (s: State, { lastSeen, membersVersion }: PreVoteAnswer): boolean =>
  lastSeen.join() === sortedUids(s.membersSeen) ||
  (membersVersion !== undefined && compareVersions(membersVersion, s.membersVersion) < 0);

/** One clear message where a human may have to help. */
export function sayWhatIsMissing(s: State, run: Candidate): void {
  if (s.membersSeen.length === 0 || run.quorum !== 'all') return;
  const names = missing(s, run).map(({ id }) => id);
  note(
    s,
    `the register in Consul is missing or older than this log; it is rebuilt once all members last seen agree; waiting for ${names.join(', ')}`,
  );
}
