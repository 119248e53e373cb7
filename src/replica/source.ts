// The sending end of a stream. The leader opens one to every logger that promised (rule 4); a member with a higher
// position lets a new leader fetch from it (rule 2). Matching is decided here, the bytes are moved by the driver.
import { position as journalPosition } from './journal.ts';
import { nextStream } from './leadership.ts';
import { match, wholeUnder } from './matching.ts';
import { tellMembers } from './members.ts';
import { sameClaim } from './position.ts';
import { promisedEpoch, promiseHolds } from './promise.ts';
import { emit, type Follower, followerAt, type Leadership, type Source, type State } from './state.ts';
import type { Ack, Follow, Position, Ready, StreamEnd, Tail } from './types.ts';

/** Opens what is missing: every promised logger is followed by a stream while we serve. */
export function openSources(s: State): void {
  const { leading } = s;
  if (leading?.phase !== 'serving' || leading.start === null) return;
  for (const follower of leading.followers.values())
    if (follower.stream === 0 && s.nowMs >= follower.retryAtMs) open(s, leading, follower);
}

function open(s: State, leading: Leadership, follower: Follower): void {
  const { claim, start } = leading;
  const { link, promised } = follower;
  follower.stream = nextStream(s);
  follower.matched = false;
  follower.promised = null;
  const { stream } = follower;
  const { epoch } = claim;
  const source: Source = { link, stream, epoch, purpose: 'follow', phase: 'matching' };
  s.sources.set(link, source);
  const from = promised && startWithoutMatching(s, promised);
  emit(s, { type: 'send', link, message: { type: 'follow', claim, stream, start: start ?? 0, from } });
  // The follower heeds the commit once it is matched (rule 4), and need not wait for the next batch then.
  tellMembers(s, leading, follower);
  if (from) startStream(s, source, { epoch: from.epoch, end: from.end });
}

/** A takeover waits for its followers: one whose whole log is ours needs no matching, which takes two rounds. */
function startWithoutMatching(s: State, promised: Position): Follow['from'] {
  const pair = s.config.rules.wholeLogShared
    ? wholeUnder(s.log, promised)
    : promised.end === s.leading?.start && s.log.pairs.at(-2);
  return pair ? { ...pair, end: promised.end } : null;
}

function startStream(s: State, source: Source, position: Position): void {
  source.phase = 'streaming';
  const { link, stream, epoch } = source;
  const until = source.purpose === 'adopt' ? journalPosition(s) : null;
  emit(s, { type: 'stream', link, epoch, stream, position, until });
}

export function onTail(s: State, link: number, tail: Tail): void {
  const source = tail.purpose === 'adopt' ? lend(s, link, tail) : s.sources.get(link);
  if (!source || source.stream !== tail.stream || source.epoch !== tail.claim.epoch) return;
  const { epoch, stream } = source;
  // The receiver was not where its promise had left it: what is under way to it is void.
  if (source.phase === 'streaming') emit(s, { type: 'stream-stop', link, stream });
  source.phase = 'matching';
  const found = match(s.log, tail);
  if (found.kind === 'disagree')
    emit(s, { type: 'send', link, message: { type: 'diverged', epoch, stream, at: found.epoch } });
  else if (found.kind === 'older')
    emit(s, { type: 'send', link, message: { type: 'older', epoch, stream, below: found.below } });
  else if (found.kind === 'restart') emit(s, { type: 'stream-restart', link, epoch, stream });
  else
    emit(s, {
      type: 'send',
      link,
      message: { type: 'cut', epoch, stream, end: found.end, sharedEpoch: found.epoch },
    });
}

/** A new leader, to which we promised, fetches from us: nothing lower can change our log any more. */
function lend(s: State, link: number, { claim, stream }: Tail): Source | null {
  if (!sameClaim(claim, s.promised) || !promiseHolds(s)) {
    emit(s, { type: 'send', link, message: { type: 'refused', claim, promisedEpoch: promisedEpoch(s) } });
    return null;
  }
  const former = s.sources.get(link);
  if (former?.stream === stream) return former;
  endSource(s, link);
  const source: Source = { link, stream, epoch: claim.epoch, purpose: 'adopt', phase: 'matching' };
  s.sources.set(link, source);
  return source;
}

export function onReady(s: State, link: number, ready: Ready): void {
  const source = s.sources.get(link);
  if (source?.stream !== ready.stream || source.phase !== 'matching') return;
  startStream(s, source, ready.position);
}

/** Rule 4: an acknowledgement counts once the follower has the pair of this epoch, hence everything below it. */
export function onAck(s: State, link: number, ack: Ack): void {
  const source = s.sources.get(link);
  if (source?.stream !== ack.stream || source.epoch !== ack.epoch) return;
  emit(s, { type: 'stream-acked', link, stream: ack.stream, end: ack.position.end });
  const follower = followerAt(s, link);
  if (!follower || source.purpose !== 'follow') return;
  follower.position = ack.position;
  follower.matched = ack.position.epoch === source.epoch || !s.config.rules.ownEpochOnly;
}

export function onStreamEnd(s: State, link: number, { stream }: Pick<StreamEnd, 'stream'>): void {
  if (s.sources.get(link)?.stream !== stream) return;
  endSource(s, link);
  const follower = followerAt(s, link);
  if (!follower) return;
  follower.stream = 0;
  follower.matched = false;
  follower.retryAtMs = s.nowMs + s.config.timings.retryMs;
}

export function endSource(s: State, link: number): void {
  const source = s.sources.get(link);
  if (!source) return;
  s.sources.delete(link);
  if (source.phase === 'streaming') emit(s, { type: 'stream-stop', link, stream: source.stream });
}

export function endSources(s: State): void {
  for (const link of s.sources.keys()) endSource(s, link);
}
