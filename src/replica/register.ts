// Rule 1 from the core's side: what the register was last seen to hold, one write at a time, and reads where an outcome
// must become known. An index below the one already seen is believed only from a read that was issued since: it may be a
// late answer of the watch, or a Consul that was restored or lost its disk.
import { onTakeRead, onTakeWritten } from './campaign.ts';
import { becomeLeader, stepDown } from './leadership.ts';
import { onChangeSeen, onChangeWritten, settledMembers } from './members.ts';
import { compareVersions, sameMembers } from './position.ts';
import { emit, isMember, type Leadership, nextToken, type State } from './state.ts';
import { learnFromRegister } from './suspicion.ts';
import { drainFor } from './transfer.ts';
import type { Claim, MemberSet, RegisterOutcome, RegisterSnapshot, RegisterValue } from './types.ts';

export function wantRead(s: State): void {
  s.readWanted = true;
}

export function readRegister(s: State): void {
  if (!s.readWanted || s.reading || s.nowMs < s.readAtMs) return;
  s.readWanted = false;
  s.reading = { token: nextToken(s), seenIndex: s.seen?.index ?? -1 };
  emit(s, { type: 'read-register', token: s.reading.token });
}

export function onReadFailed(s: State, token: number): void {
  if (s.reading?.token !== token) return;
  s.reading = null;
  s.readWanted = true;
  s.readAtMs = s.nowMs + s.config.timings.retryMs;
}

export function onRegister(s: State, snapshot: RegisterSnapshot, token: number | null): void {
  const answers = token !== null && s.reading?.token === token;
  const issuedSince = answers && s.reading?.seenIndex === (s.seen?.index ?? -1);
  if (answers) s.reading = null;
  // Whoever waits for what has not come yet would else ask as fast as Consul answers.
  if (answers && snapshot.index === s.seen?.index)
    s.readAtMs = Math.max(s.readAtMs, s.nowMs + s.config.timings.preVoteRetryMs);
  if (s.seen && snapshot.index < s.seen.index && !issuedSince) {
    wantRead(s);
    return;
  }
  observe(s, snapshot);
  if (answers) onTakeRead(s, snapshot);
  if (answers) onChangeSeen(s, snapshot);
}

/** Takes a snapshot for the present state of the register, whoever reported it. */
export function observe(s: State, snapshot: RegisterSnapshot): void {
  s.seen = snapshot;
  const { value } = snapshot;
  if (value) learnFromValue(s, value);
  if (value && !s.config.rules.noResumption) resume(s, value, snapshot.session);
  if (s.leading) checkOwnClaim(s, s.leading, value);
  learnFromRegister(s);
}

/** What rule 1 forbids: a restarted process goes on in the epoch it finds under its name. Simulation only. */
function resume(s: State, value: RegisterValue, session: string | null): void {
  const { epoch, leader } = value;
  if (s.leading || leader.id !== s.config.self.id || s.promised?.incarnation !== leader.incarnation) return;
  becomeLeader(s, { epoch, incarnation: leader.incarnation }, value, session, 'majority');
  if (s.leading) (s.leading as Leadership).phase = 'starting';
}

/** A value older than what was seen, promised or stored: Consul was restored from a backup. */
export const isOld = (s: State, value: RegisterValue): boolean =>
  value.epoch < (s.promised?.epoch ?? 0) ||
  value.epoch < s.newest.epoch ||
  (value.epoch === s.newest.epoch && value.revision < s.newest.revision) ||
  isReplaced(s, setOf(value));

/** Newer members are known here. A majority of these may lack what the newer ones have committed (rule 6). */
export const isReplaced = (s: State, { members, version }: MemberSet): boolean =>
  compareVersions(version, s.membersVersion) < 0 && !sameMembers(members, s.membersSeen);

export const setOf = ({ members, membersVersion }: RegisterValue): MemberSet => ({
  members,
  version: membersVersion,
});

/** The register names another leader, of this epoch or a later one. A lower epoch is from a backup of Consul. */
export const isSucceeded = (claim: Claim, value: RegisterValue | null): boolean =>
  value !== null && value.leader.incarnation !== claim.incarnation && value.epoch >= claim.epoch;

/** One of those whose votes count: the members of the value, or those last seen when the value is from before them. */
export const mayLead = (s: State, { value }: RegisterSnapshot): boolean =>
  isMember(s, value && !isOld(s, value) ? value.members : s.membersSeen) ||
  (value === null && s.membersSeen.length === 0);

/** Members are never learnt from an old value. */
function learnFromValue(s: State, value: RegisterValue): void {
  if (isOld(s, value)) return;
  const { epoch, revision } = value;
  s.newest = { epoch, revision };
  learnMembers(s, setOf(value));
}

/** Takes these members for the newest, unless newer ones are known. */
export function learnMembers(s: State, set: MemberSet): void {
  const { members, version } = set;
  if (isReplaced(s, set)) return;
  if (compareVersions(version, s.membersVersion) > 0) s.membersVersion = version;
  if (sameMembers(members, s.membersSeen)) return;
  s.membersSeen = members;
  emit(s, { type: 'peers', members });
}

/**
 * Rule 7: another incarnation in the register ends this leadership, that of a transfer's target after draining. A register
 * that is gone, or from a backup, is written again instead.
 */
function checkOwnClaim(s: State, leading: Leadership, value: RegisterValue | null): void {
  if (!value || !isSucceeded(leading.claim, value)) return;
  if (!drainFor(s, leading, value)) stepDown(s, leading.transfer ? 'transferred' : 'register');
}

export function write(
  s: State,
  kind: 'take' | 'retake' | 'change',
  value: RegisterValue,
  session: string,
  seen: RegisterSnapshot,
): void {
  const token = nextToken(s);
  s.writing = { token, kind, value, session };
  emit(s, {
    type: kind === 'change' ? 'update-register' : 'take-register',
    token,
    seen,
    value,
    session,
  });
}

export function onWritten(s: State, token: number, outcome: RegisterOutcome): void {
  const { writing } = s;
  if (writing?.token !== token) return;
  s.writing = null;
  if (outcome.kind === 'done') observe(s, outcome.snapshot);
  if (outcome.kind === 'refused') {
    // A refusal is read after the write failed, hence newer than anything seen before it was sent.
    if (outcome.now.index >= (s.seen?.index ?? 0)) observe(s, outcome.now);
    else wantRead(s);
  }
  if (outcome.kind === 'unknown') wantRead(s);
  if (writing.kind === 'take') onTakeWritten(s, outcome);
  if (writing.kind === 'change') onChangeWritten(s, outcome);
  if (writing.kind === 'retake') onRetaken(s, writing.session, outcome);
}

/**
 * Rule 1: a leader without its lock takes it again in its epoch, while the register holds its incarnation, nothing, or a
 * lower epoch, which can only be from a backup of Consul.
 */
export function retakeLock(s: State): void {
  const { leading, seen, session } = s;
  if (!leading || !seen || !session || s.writing || s.reading || s.readWanted) return;
  if (s.nowMs < s.readAtMs) return;
  // A leader that drains for its successor has no lock any more, and wants none.
  if (isSucceeded(leading.claim, seen.value)) return;
  const isOwn = seen.value?.leader.incarnation === leading.claim.incarnation;
  const current = isOwn && (seen.value?.revision ?? 0) >= leading.settledRevision;
  if (current && seen.session !== null && seen.session === leading.session) return;
  // An unsettled change of members is settled by this write too, since both check the same index.
  const revision = Math.max(leading.revision, seen.value?.revision ?? 0) + 1;
  leading.revision = revision;
  const { id, peer } = s.config.self;
  const leader = { id, peer, api: s.config.api, incarnation: leading.claim.incarnation };
  const { members, version } = settledMembers(leading);
  const value = { epoch: leading.claim.epoch, leader, members, membersVersion: version, revision };
  write(s, 'retake', value, session, seen);
}

function onRetaken(s: State, session: string, outcome: RegisterOutcome): void {
  const { leading } = s;
  if (outcome.kind === 'done' && leading) {
    if (leading.session) s.lingering.push({ session: leading.session, fromMs: s.nowMs, untilMs: s.nowMs });
    leading.session = session;
    s.session = null;
    onChangeSeen(s, outcome.snapshot);
  } else if (outcome.kind !== 'done') {
    s.readAtMs = s.nowMs + s.config.timings.retryMs;
    if (outcome.kind === 'refused' && outcome.reason === 'session-invalid') s.session = null;
  }
}
