// The receiving end of a stream: a follower under its leader (rule 4), or a new leader that adopts (rule 2). It shows
// its last epochs, cuts what the other lacks, takes entries in order and acknowledges what is on disk. Entries that arrive
// while a pair is being stored wait in a bounded inbox.
import { INBOX_MAX_BYTES } from '../limits.ts';
import { becomeCertain } from './certainty.ts';
import { change, durablePosition, isSettled, raiseCommit, wantSync } from './journal.ts';
import { onMembersTold } from './members.ts';
import { comparePositions, hasPair, sameClaim } from './position.ts';
import { promisedEpoch } from './promise.ts';
import { emit, type Receiver, type State } from './state.ts';
import {
  type Batches,
  type Claim,
  type CommitNote,
  type Cut,
  type Diverged,
  type Follow,
  type Older,
  type PairEntry,
  type Position,
  type Restart,
  type StreamEnd,
  TAIL_PAIRS_MAX,
} from './types.ts';

export function openReceiver(
  s: State,
  purpose: 'follow' | 'adopt',
  link: number,
  claim: Claim,
  stream: number,
  target: Position | null,
): void {
  s.receiver = {
    link,
    stream,
    claim,
    purpose,
    phase: 'opening',
    closed: false,
    inbox: [],
    inboxBytes: 0,
    leaderCommit: -1,
    leaderFirst: 0,
    acked: null,
    target,
  };
}

export function endReceiver(s: State): void {
  s.receiver = null;
}

/** Only the leader we promised to opens a stream to us, and only after our promise was answered. */
export function onFollow(s: State, link: number, { claim, stream, from }: Follow): void {
  if (!sameClaim(claim, s.promised)) {
    emit(s, { type: 'send', link, message: { type: 'refused', claim, promisedEpoch: promisedEpoch(s) } });
    return;
  }
  if (s.leader && sameClaim(s.leader.claim, claim)) s.leader.established = true;
  openReceiver(s, 'follow', link, claim, stream, null);
  if (from && isAt(s, from) && s.receiver) s.receiver.phase = 'ready';
}

/** Our whole log is what the leader takes it for, down to the pair of its last epoch, and it is on disk. */
function isAt(s: State, from: NonNullable<Follow['from']>): boolean {
  if (!s.config.rules.wholeLogShared) return isSettled(s);
  const last = s.log.pairs.at(-1);
  return isSettled(s) && last?.epoch === from.epoch && last.start === from.start && s.log.end === from.end;
}

/** The open stream that a message belongs to; null for anything older. */
function current(s: State, link: number, stream: number): Receiver | null {
  const { receiver } = s;
  return receiver && receiver.link === link && receiver.stream === stream ? receiver : null;
}

function showTail(s: State, receiver: Receiver, below: number): void {
  const { pairs, first, end } = s.log;
  let to = pairs.length;
  while (to > 0 && pairs[to - 1]!.epoch >= below) to -= 1;
  const from = Math.max(0, to - TAIL_PAIRS_MAX);
  const { claim, stream, purpose, link } = receiver;
  receiver.phase = 'matching';
  const message = {
    type: 'tail',
    claim,
    stream,
    purpose,
    first,
    end: pairs[to]?.start ?? end,
    commit: s.commit,
    pairs: pairs.slice(from, to),
    complete: from === 0,
  } as const;
  emit(s, { type: 'send', link, message });
}

export function onOlder(s: State, link: number, { stream, below }: Older): void {
  const receiver = current(s, link, stream);
  if (receiver?.phase === 'matching') showTail(s, receiver, below);
}

export function onCut(s: State, link: number, { stream, end, sharedEpoch }: Cut): void {
  const receiver = current(s, link, stream);
  if (receiver?.phase !== 'matching' || s.log.changing) return;
  if (end < s.commit) {
    emit(s, {
      type: 'fault',
      fault: 'cut-below-commit',
      text: `cut to ${end} asked, ${s.commit} is committed`,
    });
    s.faulted = true;
    return;
  }
  receiver.phase = 'cutting';
  const nothing = end >= s.log.end && (s.log.pairs.at(-1)?.epoch ?? 0) <= sharedEpoch;
  if (nothing || !s.config.rules.followerCut) sendReady(s, receiver);
  else change(s, { type: 'cut', end, sharedEpoch });
}

export function onRestart(s: State, link: number, { stream, first, pairs, producers }: Restart): void {
  const receiver = current(s, link, stream);
  if (receiver?.phase !== 'matching' || s.log.changing) return;
  if (first < s.commit) {
    emit(s, {
      type: 'fault',
      fault: 'cut-below-commit',
      text: `new start at ${first}, ${s.commit} is committed`,
    });
    s.faulted = true;
    return;
  }
  receiver.phase = 'cutting';
  change(s, { type: 'reset', first, pairs, producers });
}

/** A majority follows the sender, or is about to: this log is the odd one. */
export function onDiverged(s: State, link: number, { stream, at }: Diverged): void {
  if (current(s, link, stream)?.phase !== 'matching') return;
  emit(s, {
    type: 'fault',
    fault: 'pairs-disagree',
    text: `epoch ${at} starts at another offset in the log of the leader`,
  });
  s.faulted = true;
}

function sendReady(s: State, receiver: Receiver): void {
  receiver.phase = 'ready';
  const { link, stream, claim } = receiver;
  const position = { epoch: s.log.pairs.at(-1)?.epoch ?? 0, end: s.log.end };
  emit(s, { type: 'send', link, message: { type: 'ready', epoch: claim.epoch, stream, position } });
}

export function onEntry(s: State, link: number, entry: Batches | PairEntry): void {
  const receiver = current(s, link, entry.stream);
  if (receiver?.phase !== 'ready' || receiver.closed) return;
  if (entry.type === 'batches') for (const batch of entry.batches) receiver.inboxBytes += batch.length;
  if (receiver.inboxBytes > INBOX_MAX_BYTES) {
    abandon(s, receiver, 'overrun');
    return;
  }
  receiver.inbox.push(entry);
}

/** Carries the stream on as far as the log allows: called after every event. */
export function receive(s: State): void {
  const { receiver } = s;
  if (!receiver || s.faulted) return;
  if (receiver.phase === 'opening' && !s.log.changing) showTail(s, receiver, Number.POSITIVE_INFINITY);
  if (receiver.phase === 'cutting' && !s.log.changing) sendReady(s, receiver);
  while (receiver.inbox.length > 0 && !s.log.changing && s.receiver === receiver) {
    const entry = receiver.inbox[0]!;
    const taken = entry.type === 'pair' ? takePair(s, receiver, entry) : takeBatches(s, receiver, entry);
    if (!taken) break;
    receiver.inbox.shift();
  }
  acknowledge(s, receiver);
  followCommit(s, receiver);
}

function takeBatches(s: State, receiver: Receiver, entry: Batches): boolean {
  for (const batch of entry.batches) receiver.inboxBytes -= batch.length;
  noteLeader(receiver, entry);
  if (entry.end <= s.log.end) return true;
  if (entry.from !== s.log.end) {
    abandon(s, receiver, 'gap');
    return true;
  }
  emit(s, { type: 'append', from: entry.from, end: entry.end, batches: entry.batches });
  s.log.end = entry.end;
  wantSync(s);
  return true;
}

/** Rule 3: the log is on disk up to `start` before its pair is. */
function takePair(s: State, receiver: Receiver, { pair }: PairEntry): boolean {
  if (hasPair(s.log.pairs, pair.epoch)) return true;
  if (pair.start !== s.log.end) {
    abandon(s, receiver, 'gap');
    return true;
  }
  wantSync(s);
  if (!isSettled(s) && s.config.rules.pairAfterLog) return false;
  change(s, { type: 'add-pair', pair });
  return true;
}

export function onCommitNote(s: State, link: number, told: CommitNote): void {
  const receiver = current(s, link, told.stream);
  if (!receiver) return;
  noteLeader(receiver, told);
  // A receiver that is closed belongs to a leader below the promise.
  if (!receiver.closed) onMembersTold(s, link, told);
}

function noteLeader(receiver: Receiver, { commit, first }: { commit: number; first: number }): void {
  receiver.leaderCommit = Math.max(receiver.leaderCommit, commit);
  receiver.leaderFirst = Math.max(receiver.leaderFirst, first);
}

/** Rule 4: what is on disk, cumulatively, and nothing for a claim below the promised one (rule 2). */
function acknowledge(s: State, receiver: Receiver): void {
  const { rules } = s.config;
  if (receiver.phase !== 'ready' || s.log.changing) return;
  if (!sameClaim(receiver.claim, s.promised) && rules.lateAckVoid && rules.promiseCheckedOnAppend) return;
  const position = durablePosition(s);
  const acked = rules.ackAfterSync ? position : { epoch: position.epoch, end: s.log.end };
  if (receiver.acked && comparePositions(receiver.acked, acked) === 0) return;
  receiver.acked = acked;
  const { link, stream, claim } = receiver;
  emit(s, { type: 'send', link, message: { type: 'ack', epoch: claim.epoch, stream, position: acked } });
}

/** Rule 5 for followers: the leader's commit, as far as the own disk goes, once matched; and its first offset. */
function followCommit(s: State, receiver: Receiver): void {
  if (receiver.purpose !== 'follow' || s.log.changing) return;
  const matched = receiver.phase === 'ready' && hasPair(s.log.pairs, receiver.claim.epoch);
  if (!matched && s.config.rules.commitOnceMatched) return;
  raiseCommit(s, Math.min(receiver.leaderCommit, matched ? s.log.syncedEnd : s.log.end));
  // All that was acknowledged before is below the start of this epoch, or below the commit that opened the stream.
  if (matched && receiver.leaderCommit >= 0 && s.log.syncedEnd >= receiver.leaderCommit) becomeCertain(s);
  const first = Math.min(receiver.leaderFirst, s.commit);
  if (first <= s.log.first || s.log.trimming || first <= s.log.trimAsked) return;
  s.log.trimming = true;
  s.log.trimAsked = first;
  emit(s, { type: 'trim', first });
}

/**
 * Only the other side of a stream, which may have ended meanwhile, can ask for what cannot be. The pair of our own epoch
 * follows from what the log is, and no other change is under way when it is stored.
 */
export function onChangeRefused(s: State, text: string): void {
  if (s.leading?.phase === 'starting') {
    emit(s, { type: 'fault', fault: 'log-mismatch', text });
    s.faulted = true;
    return;
  }
  emit(s, { type: 'note', text: `the other side asks for what cannot be: ${text}` });
  if (s.receiver) abandon(s, s.receiver, 'gap');
}

export function abandon(s: State, receiver: Receiver, reason: StreamEnd['reason']): void {
  const { link, stream, claim } = receiver;
  endReceiver(s);
  emit(s, { type: 'send', link, message: { type: 'stream-end', epoch: claim.epoch, stream, reason } });
}
