// Linearizable reads: before it answers, the leader hears from a majority that nobody was promised a higher epoch since
// the question came. Together with a commit of its own epoch, whatever was acknowledged before is below that commit.
import { majorityOf, sameClaim } from './position.ts';
import { emit, identityOf, type Leadership, type State, selfIdentity } from './state.ts';
import type { Confirm, Confirmed, Member } from './types.ts';

export function onConfirmRequest(s: State, request: number): void {
  const { leading } = s;
  if (leading?.phase !== 'serving') {
    emit(s, { type: 'confirmed', request, ok: false, commit: s.commit });
    return;
  }
  // A request joins the next round: the one under way may have been answered before it came.
  const round = leading.confirmRound + 1;
  const deadlineMs = s.nowMs + s.config.timings.confirmMs;
  const idle = !leading.confirmations.some((waiting) => waiting.round <= leading.confirmRound);
  leading.confirmations.push({ request, round, deadlineMs });
  if (idle) nextRound(s, leading);
}

function nextRound(s: State, leading: Leadership): void {
  leading.confirmRound += 1;
  leading.confirmed.clear();
  leading.confirmed.add(selfIdentity(s));
  for (const { link } of leading.followers.values()) ask(s, leading, link);
}

const ask = (s: State, { claim, confirmRound }: Leadership, link: number): void =>
  emit(s, { type: 'send', link, message: { type: 'confirm', claim, round: confirmRound } });

/** A follower that comes while a round is under way is asked in it: without it there may be no majority. */
export function askToConfirm(s: State, leading: Leadership, link: number): void {
  if (leading.confirmations.some(({ round }) => round === leading.confirmRound)) ask(s, leading, link);
}

export function onConfirm(s: State, link: number, { claim, round }: Confirm): void {
  if (sameClaim(claim, s.promised))
    emit(s, { type: 'send', link, message: { type: 'confirmed', claim, round } });
  else
    emit(s, {
      type: 'send',
      link,
      message: { type: 'refused', claim, promisedEpoch: s.promised?.epoch ?? 0 },
    });
}

export function onConfirmed(s: State, link: number, { claim, round }: Confirmed): void {
  const { leading } = s;
  const peer = s.links.get(link)?.peer;
  if (!leading || !peer || !sameClaim(claim, leading.claim) || round !== leading.confirmRound) return;
  leading.confirmed.add(identityOf(s, peer));
}

/** Ends the round once a majority answered and the epoch has a commit of its own; late requests end refused. */
export function confirm(s: State): void {
  const { leading } = s;
  if (!leading || leading.confirmations.length === 0) return;
  const ready = s.commit >= (leading.start ?? 0) && answered(s, leading, leading.members);
  const joint = !leading.change || answered(s, leading, leading.change.members);
  const waiting = leading.confirmations;
  leading.confirmations = [];
  for (const one of waiting) {
    const done = ready && joint && one.round <= leading.confirmRound;
    if (!done && s.nowMs <= one.deadlineMs) leading.confirmations.push(one);
    else emit(s, { type: 'confirmed', request: one.request, ok: done, commit: s.commit });
  }
  const open = leading.confirmations;
  if (open.length > 0 && open.every(({ round }) => round > leading.confirmRound)) nextRound(s, leading);
}

const answered = (s: State, leading: Leadership, members: readonly Member[]): boolean =>
  members.filter((member) => leading.confirmed.has(identityOf(s, member))).length >=
  majorityOf(members.length);

export function abortConfirmations(s: State, leading: Leadership): void {
  for (const { request } of leading.confirmations)
    emit(s, { type: 'confirmed', request, ok: false, commit: s.commit });
  leading.confirmations = [];
}
