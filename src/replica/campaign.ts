// Rules 1 and 8 from the candidate's side: a pre-vote among the members of the value that the lock will check, then one
// write to the register. A write whose outcome is unknown is read back, or settled by another one at the same index.
import { type Electorate, firstStart, lostRegister, sayWhatIsMissing, sortedUids } from './bootstrap.ts';
import { sayWhoIsUncertain, suffice } from './certainty.ts';
import { position } from './journal.ts';
import { becomeLeader } from './leadership.ts';
import { compareVersions, sameClaim, sameMembers, UNKNOWN_VERSION } from './position.ts';
import { answer } from './pre-vote.ts';
import { promisedEpoch } from './promise.ts';
import { isOld, mayLead, observe, wantRead, write } from './register.ts';
import { lingerSession } from './session.ts';
import { type Candidate, emit, identityOf, type State, selfIdentity } from './state.ts';
import { leaderIsLost, rankDelayMs } from './suspicion.ts';
import type {
  Claim,
  Drained,
  Member,
  PreVoteAnswer,
  RegisterOutcome,
  RegisterSnapshot,
  RegisterValue,
  SuccessorSeen,
} from './types.ts';

/** Ends this attempt; another may begin at once, since each begins with nothing. A late deed of it is nobody's. */
export function abandonCampaign(s: State): void {
  const session = s.campaigning?.session ?? null;
  s.campaigning = null;
  lingerSession(s, session);
}

/** Starts, repeats, or gives up: called after every event. */
export function campaign(s: State): void {
  if (s.takeOver && s.nowMs > s.takeOver.untilMs) s.takeOver = null;
  const { campaigning } = s;
  if (campaigning) {
    drive(s, campaigning);
    return;
  }
  if (!mayRun(s) || !s.seen) return;
  const transfer = s.takeOver?.claim ?? null;
  if (!transfer && s.nowMs < Math.max(s.campaignAtMs, s.yieldUntilMs)) {
    emitWake(s);
    return;
  }
  start(s, s.seen, transfer);
}

/** Losing the leader, or being named by it, is a reason to run; a free lock alone is none. */
function mayRun(s: State): boolean {
  if (s.leading || s.retired || s.writing || !s.seen || s.log.changing) return false;
  if (!s.takeOver && !leaderIsLost(s)) return false;
  return mayLead(s, s.seen);
}

function emitWake(s: State): void {
  const atMs = Math.max(s.campaignAtMs, s.yieldUntilMs);
  if (atMs - s.nowMs < s.config.timings.heartbeatMs) emit(s, { type: 'wake', atMs });
}

function start(s: State, seen: RegisterSnapshot, transfer: Claim | null): void {
  s.attempts += 1;
  s.campaigning = {
    attempt: s.attempts,
    transfer,
    phase: 'pre-vote',
    startedMs: s.nowMs,
    takenMs: 0,
    retryAtMs: 0,
    seen,
    answers: new Map([[selfIdentity(s), answer(s, s.attempts, 'yes')]]),
    claim: null,
    value: null,
    session: null,
    quorum: 'majority',
    forced: false,
  };
  drive(s, s.campaigning);
}

/** Asks those that have not said yes, again and again: a no may be a yes a moment later, and answers may take long. */
function ask(s: State, run: Candidate): void {
  run.retryAtMs = s.nowMs + s.config.timings.preVoteRetryMs + rankDelayMs(s);
  const { attempt, transfer } = run;
  const lostEpoch = s.leader?.claim.epoch ?? 0;
  const message = { type: 'pre-vote', attempt, lostEpoch, position: position(s), transfer } as const;
  for (const { link, peer } of s.links.values())
    if (!run.answers.get(identityOf(s, peer))?.yes) emit(s, { type: 'send', link, message });
  emit(s, { type: 'wake', atMs: run.retryAtMs });
}

export function onPreVoteAnswer(s: State, uid: string, given: PreVoteAnswer): void {
  const { campaigning } = s;
  if (campaigning?.phase !== 'pre-vote' || campaigning.attempt !== given.attempt) return;
  const link = s.byUid.get(uid);
  if (link) campaigning.answers.set(identityOf(s, link.peer), given);
}

function drive(s: State, run: Candidate): void {
  if (run.phase === 'unsure') {
    if (s.nowMs - run.startedMs > s.config.timings.campaignMs) abandonCampaign(s);
    else if (!s.reading && !s.writing) wantRead(s);
    return;
  }
  if (run.phase === 'taking') return;
  if (run.phase === 'taken') {
    awaitDrained(s, run);
    return;
  }
  // Rule 6: the electorate is that of the value whose index the lock checks; if it moves, the pre-vote is void.
  if (s.seen?.index !== run.seen.index || !mayRun(s)) {
    abandonCampaign(s);
    return;
  }
  const electorate = electorateOf(s, run);
  if (electorate && s.session !== null && !s.writing) {
    take(s, run, electorate, s.session);
    return;
  }
  if (s.nowMs - run.startedMs > s.config.timings.suspectMs) {
    if (!electorate) {
      sayWhatIsMissing(s, run);
      sayWhoIsUncertain(s, run);
    }
    abandonCampaign(s);
  } else if (s.nowMs >= run.retryAtMs) ask(s, run);
}

/** The members that the new value will have, once enough of them said yes; null before. Without a version: a new set. */
function electorateOf(s: State, run: Candidate): Electorate | null {
  const { value } = run.seen;
  if (!value) {
    const first = firstStart(s, run);
    return first ? { members: first, version: null } : lostRegister(s, run);
  }
  if (isOld(s, value) || isOutdated(s, run, value)) {
    wantRead(s);
    return lostRegister(s, run);
  }
  const yes = (member: Member): boolean => run.answers.get(identityOf(s, member))?.yes === true;
  const voices = value.members.filter(yes).map((member) => run.answers.get(identityOf(s, member))!);
  if (!suffice(s, voices, value.members.length, 'majority')) return null;
  // The same members may be known by a version that an older leader left out of the register.
  const known = sameMembers(value.members, s.membersSeen) ? s.membersVersion : UNKNOWN_VERSION;
  const { members, membersVersion } = value;
  return { members, version: compareVersions(known, membersVersion) > 0 ? known : membersVersion };
}

/** A voter knows a later epoch, or newer members: Consul was restored from a backup, whose members may be long past. */
function isOutdated(s: State, run: Candidate, { epoch, members, membersVersion }: RegisterValue): boolean {
  if (!s.config.rules.votersAsked) return false;
  const uids = sortedUids(members);
  return [...run.answers.values()].some(
    (given) =>
      given.knownEpoch > epoch ||
      (given.lastSeen.join() !== uids &&
        compareVersions(given.membersVersion ?? UNKNOWN_VERSION, membersVersion) > 0),
  );
}

/**
 * A forced rebuild may lack members that led in epochs which nobody here knows. A wide step, of a random width so that two
 * such rebuilds do not meet either, keeps their epochs apart.
 */
const FORCED_STEP_MIN = 1_000;
const FORCED_STEP_SPREAD = 100_000;

function nextEpoch(s: State, run: Candidate, incarnation: string): number {
  const known = [...run.answers.values()].map(({ knownEpoch }) => knownEpoch);
  const next = Math.max(run.seen.value?.epoch ?? 0, promisedEpoch(s), ...known) + 1;
  if (!run.forced) return next;
  return next + FORCED_STEP_MIN + (hashOf(incarnation) % FORCED_STEP_SPREAD);
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

function take(s: State, run: Candidate, { members, version }: Electorate, session: string): void {
  const incarnation = s.config.newIncarnation();
  const epoch = nextEpoch(s, run, incarnation);
  const { id, peer } = s.config.self;
  const revision = (run.seen.value?.revision ?? 0) + 1;
  run.claim = { epoch, incarnation };
  run.value = {
    epoch,
    leader: { id, peer, api: s.config.api, incarnation },
    members,
    membersVersion: version ?? { epoch, revision },
    revision,
  };
  run.session = session;
  s.session = null;
  run.phase = 'taking';
  write(s, 'take', run.value, session, run.seen);
}

/** `taking` ends here, unless a higher promise has ended the candidacy meanwhile: then the deed is nobody's. */
export function onTakeWritten(s: State, outcome: RegisterOutcome): void {
  const { campaigning: run } = s;
  if (run?.phase !== 'taking' || !run.claim) return;
  if (outcome.kind === 'done') {
    won(s, run, outcome.snapshot);
    return;
  }
  if (outcome.kind === 'unknown') {
    run.phase = 'unsure';
    return;
  }
  lose(s, run, outcome.reason === 'session-invalid');
}

/** The register is ours, whoever said so. */
function hasTaken(s: State, run: Candidate, value: RegisterValue): void {
  s.rebuildAllowed = false;
  run.value = value;
  run.phase = 'taken';
  run.takenMs = s.nowMs;
}

function won(s: State, run: Candidate, snapshot: RegisterSnapshot): void {
  if (!run.claim || !snapshot.value) return;
  hasTaken(s, run, snapshot.value);
  const link = predecessor(s, run);
  const { transfer: claim, claim: successor } = run;
  if (link !== null && claim)
    emit(s, {
      type: 'send',
      link,
      message: { type: 'taken', claim, successor, leader: snapshot.value.leader },
    });
  awaitDrained(s, run);
}

/** Its leader named it and may send clients here already: sending them back would have them run in a circle. */
export const isTakingOver = ({ campaigning }: State): boolean =>
  campaigning !== null && campaigning.transfer !== null && campaigning.phase !== 'pre-vote';

/** The leader that named us, while we still follow it. */
function predecessor(s: State, { transfer }: Candidate): number | null {
  if (!transfer || !sameClaim(transfer, s.leader?.claim ?? null) || !s.leader?.uid) return null;
  return s.byUid.get(s.leader.uid)?.link ?? null;
}

/** Transfer: the leader that named us goes on until we have all that it took; without it, or in the end, we go first. */
function awaitDrained(s: State, run: Candidate): void {
  const waits = s.nowMs < run.takenMs + s.config.timings.drainMs;
  if (!waits || predecessor(s, run) === null) begin(s, run);
}

export function onDrained(s: State, { claim, seen }: Drained): void {
  const { campaigning: run } = s;
  if (!run || !sameClaim(claim, run.transfer)) return;
  if (seen) onTakeSeen(s, run, seen);
  if (run.phase === 'taken') begin(s, run);
}

/**
 * Our leader read in the register what we wrote and have no answer to: it is as good as one, and ours is nobody's when it
 * comes. What Consul itself told us since goes before it.
 */
function onTakeSeen(s: State, run: Candidate, { successor, revision, index }: SuccessorSeen): void {
  if (run.phase !== 'taking' && run.phase !== 'unsure') return;
  if (!run.value || !sameClaim(successor, run.claim) || (s.seen && s.seen.index > index)) return;
  const value = { ...run.value, revision };
  observe(s, { value, index, session: run.session });
  hasTaken(s, run, value);
}

function begin(s: State, { claim, value, session, quorum }: Candidate): void {
  if (claim && value) becomeLeader(s, claim, value, session, quorum);
}

function lose(s: State, run: Candidate, sessionInvalid: boolean): void {
  if (!sessionInvalid && run.session) s.session ??= run.session;
  s.campaigning = null;
  s.campaignAtMs = s.nowMs + s.config.timings.preVoteRetryMs + rankDelayMs(s);
}

/** An unknown take is known once a read shows it, or shows that the index moved without it. */
export function onTakeRead(s: State, now: RegisterSnapshot): void {
  const { campaigning: run } = s;
  if (run?.phase !== 'unsure' || !run.claim || !run.value || !run.session) return;
  if (now.value?.leader.incarnation === run.claim.incarnation) {
    won(s, run, now);
    return;
  }
  if (now.index !== run.seen.index || s.writing) {
    lose(s, run, false);
    return;
  }
  // A read of the old value settles nothing: the write may still come. Another one at the same index does.
  run.value = { ...run.value, revision: run.value.revision + 1 };
  run.phase = 'taking';
  write(s, 'take', run.value, run.session, run.seen);
}
