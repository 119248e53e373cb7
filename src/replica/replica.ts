// The replica: a deterministic state machine without clock, randomness or I/O. An event goes to the concept that it
// belongs to; then every concept carries on as far as its conditions hold now. Rules are thus stated once, as conditions,
// and not repeated for every event that may make them true.
import { isCalm } from './calm.ts';
import { campaign, isTakingOver, onDrained, onPreVoteAnswer } from './campaign.ts';
import { advanceCommit } from './commit.ts';
import { confirm, onConfirm, onConfirmed, onConfirmRequest } from './confirm.ts';
import * as journal from './journal.ts';
import {
  askPromise,
  checkQuiet,
  lead,
  onAnswered,
  onEpochSeen,
  onFollowerLost,
  onPromised,
  onRefused,
  stepDown,
} from './leadership.ts';
import { answerMembers, changeMembers, onMembersStored } from './members.ts';
import { onPreVote } from './pre-vote.ts';
import { answerPromise, onPromiseRequest, onStateStored, promisedEpoch, storeState } from './promise.ts';
import * as receiver from './receiver.ts';
import { onReadFailed, onRegister, onWritten, readRegister, retakeLock } from './register.ts';
import { keepSession, onSessionEnded, onSessionFailed, onSessionOpened } from './session.ts';
import * as source from './source.ts';
import { type Config, createState, emit, type Initial, identityOf, type State } from './state.ts';
import * as suspicion from './suspicion.ts';
import { onTaken, onTakeOver, startTransfer, transfer } from './transfer.ts';
import type { Beat, Effect, Event, Message, Role } from './types.ts';

export class Replica {
  readonly #s: State;

  constructor(config: Config, initial: Initial, nowMs: number) {
    this.#s = createState(config, initial, nowMs);
  }

  /** What it knows; for the driver's status and for tests. Not to be changed. */
  get state(): Readonly<State> {
    return this.#s;
  }

  /** Ticks may be rare: see `isCalm`. */
  get calm(): boolean {
    return isCalm(this.#s);
  }

  /** Takes one event in; `nowMs` is monotonic. The effects are to be carried out in order, before the next event. */
  step(event: Event, nowMs: number): readonly Effect[] {
    const s = this.#s;
    if (nowMs - s.nowMs > s.config.timings.pauseMs) {
      s.nowMs = nowMs;
      suspicion.onOwnPause(s);
    }
    s.nowMs = Math.max(s.nowMs, nowMs);
    s.effects = [];
    if (s.faulted) return s.effects;
    dispatch(s, event);
    advance(s);
    return s.effects;
  }
}

function dispatch(s: State, event: Event): void {
  switch (event.type) {
    case 'tick':
      checkQuiet(s);
      break;
    case 'appended':
      if (s.log.end === s.commit && s.leading) s.leading.movedMs = s.nowMs;
      s.log.end = event.end;
      journal.wantSync(s);
      break;
    case 'synced':
      journal.onSynced(s, event.end, event.generation);
      break;
    case 'message':
      onMessage(s, event.link, event.message);
      break;
    case 'beat':
      onBeat(s, event.uid, event.beat);
      break;
    case 'connected':
      onConnected(s, event);
      break;
    case 'disconnected':
      onDisconnected(s, event.link);
      break;
    case 'log-changed':
      journal.onChanged(s, event.log);
      break;
    case 'change-refused':
      journal.onChanged(s, event.log);
      receiver.onChangeRefused(s, event.text);
      break;
    case 'log-trimmed':
      journal.onTrimmed(s, event.first);
      break;
    case 'append-failed':
      s.log.end = event.end;
      if (s.receiver) receiver.abandon(s, s.receiver, event.reason);
      break;
    case 'stream-behind':
      source.onStreamEnd(s, event.link, event);
      break;
    case 'state-stored':
      onStateStored(s, event.token);
      break;
    default:
      dispatchOutside(s, event);
      break;
  }
}

type Inside =
  | 'tick'
  | 'appended'
  | 'synced'
  | 'message'
  | 'beat'
  | 'connected'
  | 'disconnected'
  | 'log-changed'
  | 'change-refused'
  | 'log-trimmed'
  | 'append-failed'
  | 'stream-behind'
  | 'state-stored';

/** What Consul and the operator say. */
function dispatchOutside(s: State, event: Exclude<Event, { type: Inside }>): void {
  switch (event.type) {
    case 'register':
      onRegister(s, event.snapshot, event.token);
      break;
    case 'register-read-failed':
      onReadFailed(s, event.token);
      break;
    case 'register-written':
      onWritten(s, event.token, event.outcome);
      break;
    case 'session-opened':
      onSessionOpened(s, event.session);
      break;
    case 'session-failed':
      onSessionFailed(s);
      break;
    case 'session-ended':
      onSessionEnded(s, event.session);
      break;
    case 'transfer':
      startTransfer(s, event.to, null);
      break;
    case 'confirm':
      onConfirmRequest(s, event.request);
      break;
    case 'want-members':
      s.wanted = event.ids;
      break;
    case 'rebuild-register':
      s.rebuildAllowed = true;
      break;
    case 'retire':
      s.retired = true;
      stepDown(s, 'retired');
      break;
  }
}

function onMessage(s: State, link: number, message: Message): void {
  const peer = s.links.get(link)?.peer;
  if (!peer) return;
  suspicion.onLeaderMessage(s, peer.uid, message.type);
  switch (message.type) {
    case 'batches':
    case 'pair':
      receiver.onEntry(s, link, message);
      break;
    case 'ack':
      if (message.epoch === s.leading?.claim.epoch) onAnswered(s, peer.uid);
      source.onAck(s, link, message);
      break;
    case 'commit':
      receiver.onCommitNote(s, link, message);
      break;
    case 'pre-vote':
      onPreVote(s, link, message);
      break;
    case 'pre-vote-answer':
      onPreVoteAnswer(s, peer.uid, message);
      break;
    case 'promise':
      onPromiseRequest(s, link, message);
      break;
    case 'promised':
      onPromised(s, link, message);
      break;
    case 'refused':
      onRefused(s, message);
      break;
    case 'members-stored':
      onMembersStored(s, link, message);
      break;
    case 'follow':
      receiver.onFollow(s, link, message);
      break;
    case 'tail':
      source.onTail(s, link, message);
      break;
    case 'older':
      receiver.onOlder(s, link, message);
      break;
    case 'cut':
      receiver.onCut(s, link, message);
      break;
    case 'restart':
      receiver.onRestart(s, link, message);
      break;
    case 'diverged':
      receiver.onDiverged(s, link, message);
      break;
    case 'ready':
      source.onReady(s, link, message);
      break;
    case 'stream-end':
      source.onStreamEnd(s, link, message);
      break;
    case 'take-over':
      onTakeOver(s, message);
      break;
    case 'taken':
      onTaken(s, link, message);
      break;
    case 'drained':
      onDrained(s, message);
      break;
    case 'confirm':
      onConfirm(s, link, message);
      break;
    case 'confirmed':
      onConfirmed(s, link, message);
      break;
  }
}

function onBeat(s: State, uid: string, beat: Beat): void {
  suspicion.onLeaderBeat(s, uid, beat);
  if (beat.promisedEpoch === s.leading?.claim.epoch) onAnswered(s, uid);
  onEpochSeen(s, beat.promisedEpoch);
}

function onConnected(s: State, { link, peer }: Extract<Event, { type: 'connected' }>): void {
  const former = s.byUid.get(peer.uid);
  if (former) onDisconnected(s, former.link);
  const connected = { link, peer };
  s.links.set(link, connected);
  s.byUid.set(peer.uid, connected);
  suspicion.onLeaderLink(s, peer.uid, true);
  if (s.leading) {
    s.leading.heardMs.set(peer.uid, s.nowMs);
    askPromise(s, s.leading, link);
  }
}

/** Streams live and die with their connection. */
function onDisconnected(s: State, link: number): void {
  const connected = s.links.get(link);
  if (!connected) return;
  const { peer } = connected;
  s.links.delete(link);
  s.byUid.delete(peer.uid);
  suspicion.onLeaderLink(s, peer.uid, false);
  source.endSource(s, link);
  if (s.receiver?.link === link) receiver.endReceiver(s);
  onFollowerLost(s, peer.uid, identityOf(s, peer));
}

/** Every concept carries on as far as it can. Cheap when nothing can: this runs after each acknowledgement. */
function advance(s: State): void {
  lead(s);
  receiver.receive(s);
  advanceCommit(s);
  source.openSources(s);
  changeMembers(s);
  transfer(s);
  confirm(s);
  suspicion.trackLoss(s);
  campaign(s);
  storeState(s);
  answerMembers(s);
  answerPromise(s);
  readRegister(s);
  keepSession(s);
  retakeLock(s);
  tellRole(s);
  tellBeat(s);
}

function tellRole(s: State): void {
  const { role } = s;
  const epoch = promisedEpoch(s);
  if (s.leading?.phase === 'serving') {
    if (role.kind === 'leading' && role.epoch === epoch) return;
    setRole(s, { kind: 'leading', epoch, start: s.leading.start ?? 0 });
    return;
  }
  const { leader } = s;
  if (!s.leading && leader?.established && !suspicion.leaderIsLost(s) && !isTakingOver(s)) {
    const { id, api } = leader;
    if (role.kind === 'following' && role.epoch === leader.claim.epoch && role.leader.api === api) return;
    setRole(s, { kind: 'following', epoch: leader.claim.epoch, leader: { id, api } });
    return;
  }
  if (role.kind !== 'leaderless') setRole(s, { kind: 'leaderless', epoch });
}

function setRole(s: State, role: Role): void {
  const ended = s.role.kind === 'leading' ? s.roleReason : null;
  s.role = role;
  s.roleReason = null;
  emit(s, { type: 'role', role, reason: ended });
}

function tellBeat(s: State): void {
  const promised = promisedEpoch(s);
  const claim = s.leading?.claim ?? null;
  const established = s.leading?.phase === 'serving';
  const { beat } = s;
  if (beat.promisedEpoch === promised && beat.claim === claim && beat.established === established) return;
  s.beat = { promisedEpoch: promised, claim, established };
  emit(s, { type: 'beat', beat: s.beat });
}
