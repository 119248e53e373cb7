// A leadership from the won register to its end: promises of a majority (rule 2), adoption of the highest position
// (rule 2), the start of the epoch (rule 3), serving, and stepping down (rule 7). Each phase is entered once its
// condition holds, whatever event made it hold.

import { becomeCertain, suffice } from './certainty.ts';
import { abortConfirmations, askToConfirm } from './confirm.ts';
import { change, durablePosition, isSettled, position, wantSync } from './journal.ts';
import { comparePositions, hasPair, majorityOf, sameClaim, UNKNOWN_VERSION } from './position.ts';
import { promiseHolds, raisePromise } from './promise.ts';
import { endReceiver, openReceiver } from './receiver.ts';
import { lingerSession } from './session.ts';
import { endSources } from './source.ts';
import { emit, identityOf, type Leadership, note, type State, selfIdentity } from './state.ts';
import type {
  Claim,
  LeaderEntry,
  Member,
  Position,
  Promised,
  Refused,
  RegisterValue,
  StepDownReason,
} from './types.ts';

export function becomeLeader(
  s: State,
  claim: Claim,
  value: RegisterValue,
  session: string | null,
  quorum: 'majority' | 'all',
): void {
  s.campaigning = null;
  s.takeOver = null;
  if (claim.epoch < (s.promised?.epoch ?? 0)) {
    lingerSession(s, session);
    return;
  }
  raisePromise(s, claim);
  endReceiver(s);
  s.owed = null;
  s.leader = null;
  s.leading = {
    claim,
    quorum,
    phase: 'promising',
    members: value.members,
    membersVersion: value.membersVersion,
    session,
    revision: value.revision,
    settledRevision: value.revision,
    promises: new Map(),
    followers: new Map(),
    acknowledged: new Map(),
    heardMs: new Map([...s.byUid.keys()].map((uid) => [uid, s.nowMs])),
    progress: 0,
    adoptFrom: null,
    start: null,
    movedMs: s.nowMs,
    change: null,
    transfer: null,
    confirmations: [],
    confirmed: new Set(),
    confirmRound: 0,
  };
  for (const { link } of s.links.values()) askPromise(s, s.leading, link);
}

/** Members and would-be members alike: only those in the value count (rule 6). */
export function askPromise(s: State, leading: Leadership, link: number): void {
  emit(s, {
    type: 'send',
    link,
    message: {
      type: 'promise',
      claim: leading.claim,
      leader: ownEntry(s, leading),
      electorate: { members: leading.members, version: leading.membersVersion },
    },
  });
}

const ownEntry = (s: State, { claim }: Leadership): LeaderEntry => ({
  id: s.config.self.id,
  incarnation: claim.incarnation,
  api: s.config.api,
  peer: s.config.self.peer,
});

export function onPromised(s: State, link: number, promised: Promised): void {
  const { claim, position: theirs, newerMembers, uncertain = false } = promised;
  const { leading } = s;
  const peer = s.links.get(link)?.peer;
  if (!leading || !peer || !sameClaim(claim, leading.claim)) return;
  if (!newerMembers) leading.promises.set(identityOf(s, peer), { position: theirs, uncertain });
  leading.heardMs.set(peer.uid, s.nowMs);
  lookForForgotten(s, leading, peer, theirs);
  leading.followers.set(peer.uid, {
    uid: peer.uid,
    link,
    stream: 0,
    position: { epoch: 0, end: 0 },
    matched: false,
    promised: theirs,
    membersVersion: newerMembers ?? UNKNOWN_VERSION,
    retryAtMs: 0,
  });
  askToConfirm(s, leading, link);
}

/** An acknowledged position is on disk, and only another leader cuts it: a lower one is that of an older copy of the volume. */
function lookForForgotten(s: State, leading: Leadership, { id, uid }: Member, theirs: Position): void {
  const before = leading.acknowledged.get(uid);
  if (!before || comparePositions(theirs, before) >= 0) return;
  note(
    s,
    `${id} lost records that it had acknowledged: its log ends at ${theirs.end} and not at ${before.end}, under the same uid; a volume that was put back needs a uid of its own (dlog restore)`,
  );
}

/** A promise outlives the connection, but its log must be reachable to be adopted: it is asked again on the next one. */
export function onFollowerLost(s: State, uid: string, identity: string): void {
  const { leading } = s;
  if (!leading) return;
  const acknowledged = leading.followers.get(uid)?.position;
  const before = leading.acknowledged.get(uid);
  if (acknowledged && (!before || comparePositions(acknowledged, before) > 0))
    leading.acknowledged.set(uid, acknowledged);
  leading.followers.delete(uid);
  if (leading.phase === 'promising' || leading.phase === 'adopting') leading.promises.delete(identity);
}

/** Moves the leadership on as far as its conditions hold. */
export function lead(s: State): void {
  const { leading } = s;
  if (!leading || leading.phase === 'serving') return;
  const progress = s.log.syncedEnd + s.log.pairs.length;
  if (progress !== leading.progress) {
    leading.progress = progress;
    leading.movedMs = s.nowMs;
  }
  if (s.nowMs - leading.movedMs > s.config.timings.leaderQuietMs) {
    stepDown(s, leading.phase === 'adopting' ? 'adoption' : 'no-promises');
    return;
  }
  if (leading.phase === 'promising') collectPromises(s, leading);
  if (leading.phase === 'adopting') adopt(s, leading);
  if (leading.phase === 'starting') startEpoch(s, leading);
}

/**
 * Rule 2: a majority of the members in the value that was locked, of those that are certain of their logs; or all of them. This
 * replica counts once its promise is on disk.
 */
function collectPromises(s: State, leading: Leadership): void {
  wantSync(s);
  if (!promiseHolds(s) || !isSettled(s)) return;
  leading.promises.set(selfIdentity(s), { position: position(s), uncertain: s.uncertain });
  const { members } = leading;
  const given = members.filter((member) => leading.promises.has(identityOf(s, member)));
  const voices = given.map((member) => leading.promises.get(identityOf(s, member))!);
  if (!suffice(s, voices, members.length, leading.quorum)) return;
  leading.adoptFrom = null;
  let highest = position(s);
  for (const member of given) {
    const theirs = leading.promises.get(identityOf(s, member))!.position;
    const link = leading.followers.get(member.uid)?.link;
    if (link === undefined || compare(s, theirs, highest) <= 0) continue;
    highest = theirs;
    leading.adoptFrom = { uid: member.uid, position: theirs, link };
  }
  if (leading.adoptFrom && s.config.rules.adoptHighest) {
    leading.phase = 'adopting';
    openReceiver(
      s,
      'adopt',
      leading.adoptFrom.link,
      leading.claim,
      nextStream(s),
      leading.adoptFrom.position,
    );
  } else leading.phase = 'starting';
}

const compare = (s: State, a: Position, b: Position): number =>
  comparePositions(a, b, s.config.rules.positionByEpoch);

export const nextStream = (s: State): number => {
  s.streams += 1;
  return s.streams;
};

/** Ends when everything up to the adopted position is on disk; a source that is lost sends us back to the promises. */
function adopt(s: State, leading: Leadership): void {
  const from = leading.adoptFrom;
  if (!from || !leading.followers.has(from.uid) || !s.receiver) {
    endReceiver(s);
    leading.promises.delete(selfIdentity(s));
    leading.phase = 'promising';
    return;
  }
  if (s.log.changing || comparePositions(durablePosition(s), from.position) !== 0) return;
  endReceiver(s);
  leading.adoptFrom = null;
  leading.phase = 'starting';
}

/** Rule 3: the log first, then the pair, and only then records. */
function startEpoch(s: State, leading: Leadership): void {
  if (s.log.changing) return;
  const { epoch } = leading.claim;
  if (!hasPair(s.log.pairs, epoch)) {
    wantSync(s);
    if (!isSettled(s) && s.config.rules.pairAfterLog) return;
    change(s, { type: 'add-pair', pair: { epoch, start: s.log.end } });
    return;
  }
  leading.start = s.log.pairs.at(-1)!.start;
  becomeCertain(s);
  leading.phase = 'serving';
  leading.movedMs = s.nowMs;
}

/** Rule 7. What was not committed ends as unknown; the session outlives us until a successor is seen. */
export function stepDown(s: State, reason: StepDownReason): void {
  const { leading } = s;
  if (!leading) return;
  abortConfirmations(s, leading);
  if (leading.transfer) emit(s, { type: 'hold', held: false });
  endReceiver(s);
  endSources(s);
  lingerSession(s, leading.session);
  s.openAtMs = s.nowMs + s.config.timings.calmMs;
  s.leading = null;
  s.roleReason = reason === 'higher-epoch' && wasNamed(leading) ? 'transferred' : reason;
  // Let another one go first: whatever ended this leadership likely still holds.
  s.campaignAtMs = s.nowMs + s.config.timings.suspectMs;
}

const wasNamed = ({ transfer }: Leadership): boolean => transfer !== null && transfer.phase !== 'nearing';

/** Rule 7: no majority has answered for `leaderQuietMs`, or commit stands still though records wait. */
export function checkQuiet(s: State): void {
  const { leading } = s;
  if (leading?.phase !== 'serving') return;
  const { leaderQuietMs, leaderStuckMs } = s.config.timings;
  let heard = 0;
  for (const member of leading.members) {
    const at = member.uid === s.config.self.uid ? s.nowMs : leading.heardMs.get(member.uid);
    if (at !== undefined && s.nowMs - at <= leaderQuietMs) heard += 1;
  }
  if (heard < majorityOf(leading.members.length)) stepDown(s, 'quiet');
  else if (s.log.end > s.commit && s.nowMs - leading.movedMs > leaderStuckMs) stepDown(s, 'stuck');
}

/** Something of this epoch came from a peer. */
export function onAnswered(s: State, uid: string): void {
  s.leading?.heardMs.set(uid, s.nowMs);
}

/**
 * Rule 2: the refusing voter promised another incarnation this epoch, so two claims share it. This one ends: the next one
 * has an epoch of its own.
 */
export function onRefused(s: State, { claim, promisedEpoch }: Refused): void {
  onEpochSeen(s, promisedEpoch);
  const { leading } = s;
  if (!leading || promisedEpoch !== leading.claim.epoch || !sameClaim(claim, leading.claim)) return;
  note(
    s,
    `epoch ${promisedEpoch} was claimed twice: Consul may have been restored from a backup; stepping down`,
  );
  stepDown(s, 'same-epoch');
}

/** A higher epoch anywhere ends a leadership (rule 7). */
export function onEpochSeen(s: State, epoch: number): void {
  if (s.leading && epoch > s.leading.claim.epoch) stepDown(s, 'higher-epoch');
}
