// Who leads, as far as it was heard, and whether it is lost: its connection broke, it said that it does not lead, or it
// was silent for `suspectMs`. A wrong suspicion costs a moment of availability, never a record (section 1).
import { sameClaim } from './position.ts';
import { isSucceeded } from './register.ts';
import type { State } from './state.ts';
import type { Beat, Claim, LeaderEntry, Message } from './types.ts';

/** A promise was asked of us, or a stream opened: the leader itself spoke. */
export function learnLeader(s: State, claim: Claim, entry: LeaderEntry, uid: string | null): void {
  if (sameClaim(s.leader?.claim ?? null, claim)) {
    hear(s, uid);
    if (s.leader) s.leader.api = entry.api;
    return;
  }
  const { id, api } = entry;
  const established = false;
  s.leader = { claim, id, uid, api, established, heardMs: s.nowMs, graceUntilMs: 0, gone: false };
}

/** We handed over, and the successor has the register: clients may be sent there, where they wait until it serves. */
export function learnSuccessor(s: State, claim: Claim, entry: LeaderEntry, uid: string): void {
  learnLeader(s, claim, entry, uid);
  if (!s.leader) return;
  s.leader.uid = uid;
  s.leader.established = true;
  s.leader.graceUntilMs = s.nowMs + s.config.timings.suspectMs;
}

/** The register names a leader: the winner of a race gets a fresh `suspectMs` to be heard (rule 8). */
export function learnFromRegister(s: State): void {
  const value = s.seen?.value;
  if (!value || value.leader.incarnation === s.leader?.claim.incarnation) return;
  if (s.leader && value.epoch < s.leader.claim.epoch) return;
  const { id, api, incarnation } = value.leader;
  // A leader that sees a lower epoch sees a backup of Consul, and writes its own claim again.
  if (s.leading && !isSucceeded(s.leading.claim, value)) return;
  // Our own, while its predecessor drains: until the promises are asked for, that one leads.
  if (s.campaigning?.claim?.incarnation === incarnation) return;
  const mine = id === s.config.self.id;
  s.leader = {
    claim: { epoch: value.epoch, incarnation },
    id,
    uid: value.members.find((member) => member.id === id)?.uid ?? null,
    api,
    established: false,
    heardMs: s.nowMs,
    // An incarnation of our own that we do not lead with is from before a restart: nobody is there to wait for.
    graceUntilMs: mine ? 0 : s.nowMs + s.config.timings.suspectMs,
    gone: mine,
  };
}

/** What only a leader sends; anything else of it shows that the process lives, not that it leads. */
const LEADS: ReadonlySet<Message['type']> = new Set([
  'batches',
  'pair',
  'commit',
  'follow',
  'cut',
  'older',
  'restart',
  'diverged',
  'confirm',
  'take-over',
  'drained',
]);

export function onLeaderMessage(s: State, uid: string, type: Message['type']): void {
  if (LEADS.has(type)) hear(s, uid);
  // Who asks to be elected does not lead.
  else if (type === 'pre-vote' && s.leader?.uid === uid && s.nowMs >= s.leader.graceUntilMs)
    s.leader.gone = true;
}

function hear(s: State, uid: string | null): void {
  const { leader } = s;
  if (!leader || uid === null || leader.uid !== uid) return;
  leader.heardMs = s.nowMs;
}

export function onLeaderBeat(s: State, uid: string, beat: Beat): void {
  const { leader } = s;
  if (!leader || leader.uid !== uid) return;
  if (sameClaim(beat.claim, leader.claim)) {
    leader.heardMs = s.nowMs;
    leader.graceUntilMs = 0;
    leader.gone = false;
    // Its stream may have told us before the heartbeat did; an established leader stays one.
    leader.established ||= beat.established;
  } else if (s.nowMs >= leader.graceUntilMs) {
    leader.gone = true;
    leader.established = false;
  }
}

export function onLeaderLink(s: State, uid: string, connected: boolean): void {
  const { leader } = s;
  if (!leader || leader.uid !== uid) return;
  if (connected) {
    leader.heardMs = s.nowMs;
    return;
  }
  leader.graceUntilMs = 0;
  // Whoever connects next under this uid may be a new process: its stream or heartbeat must tell that it leads.
  leader.established = false;
}

/** Rule 8. A leader that this replica is itself is never lost by suspicion; rule 7 ends it. */
export function leaderIsLost(s: State): boolean {
  if (s.leading) return false;
  const { leader } = s;
  if (!leader) return true;
  if (s.nowMs < leader.graceUntilMs) return false;
  if (leader.gone || leader.uid === null || !s.byUid.has(leader.uid)) return true;
  return s.nowMs - leader.heardMs > s.config.timings.suspectMs;
}

/** Keeps `lostSinceMs`, and the candidate's place in the row when the loss begins. */
export function trackLoss(s: State): void {
  const lost = leaderIsLost(s);
  if (!lost) {
    s.lostSinceMs = null;
    return;
  }
  if (s.lostSinceMs !== null) return;
  s.lostSinceMs = s.nowMs;
  s.campaignAtMs = Math.max(s.campaignAtMs, s.nowMs + rankDelayMs(s));
}

/** Rank-based jitter keeps two candidates apart without randomness. */
export function rankDelayMs(s: State): number {
  const uids = (s.seen?.value?.members ?? s.membersSeen).map(({ uid }) => uid).sort();
  return Math.max(0, uids.indexOf(s.config.self.uid)) * s.config.timings.rankStepMs;
}

/** This process stood still: what it did not hear meanwhile says nothing about the others. */
export function onOwnPause(s: State): void {
  if (s.leader && !s.leader.gone) s.leader.heardMs = s.nowMs;
  if (s.lostSinceMs !== null) s.lostSinceMs = s.nowMs;
  if (s.leading) {
    for (const uid of s.leading.heardMs.keys()) s.leading.heardMs.set(uid, s.nowMs);
    s.leading.movedMs = s.nowMs;
  }
}
