// Planned handover (section 2): the leader stops taking records, waits until the target has all of them, and names it; the
// target runs at once, by rules 1 and 8. If it does not lead by a deadline, the leader goes on.
import { position } from './journal.ts';
import { sameClaim } from './position.ts';
import { emit, identityOf, isMember, type Leadership, note, type State } from './state.ts';
import type { Member, TakeOver } from './types.ts';

/** To the member with that id, or to the most caught-up follower (among `ids` when given). */
export function startTransfer(s: State, to: string | null, ids: readonly string[] | null): void {
  const { leading } = s;
  const target = leading?.phase === 'serving' ? pick(s, leading, to, ids) : null;
  const reason = refusal(leading, target, to);
  if (!leading || !target || reason !== null) {
    emit(s, { type: 'transfer-refused', reason: reason ?? 'no target' });
    return;
  }
  leading.change = null;
  leading.transfer = {
    uid: target.uid,
    deadlineMs: s.nowMs + s.config.timings.transferMs,
    named: false,
  };
  emit(s, { type: 'hold', held: true });
  emit(s, { type: 'transfer-started', to: target.id, epoch: leading.claim.epoch + 1 });
}

function refusal(leading: Leadership | null, target: Member | null, to: string | null): string | null {
  if (leading?.phase !== 'serving') return 'this logger does not lead';
  if (leading.transfer) return 'another transfer is under way';
  if (leading.change && leading.change.phase !== 'counting') return 'the members are changing';
  if (!target) return to === null ? 'no other member follows' : `${to} is not a member that follows`;
  return null;
}

function pick(
  s: State,
  leading: Leadership,
  to: string | null,
  ids: readonly string[] | null,
): Member | null {
  let best: { member: Member; end: number } | null = null;
  for (const member of leading.members) {
    const follower = leading.followers.get(member.uid);
    if (!follower?.matched || identityOf(s, member) === identityOf(s, s.config.self)) continue;
    if ((to !== null && member.id !== to) || (ids !== null && !ids.includes(member.id))) continue;
    if (!best || follower.position.end > best.end) best = { member, end: follower.position.end };
  }
  return best?.member ?? null;
}

/** Names the target once it has everything; called after every event. */
export function transfer(s: State): void {
  const { leading } = s;
  const under = leading?.transfer;
  if (!leading || !under) return;
  const follower = leading.followers.get(under.uid);
  if (s.nowMs > under.deadlineMs || (!follower && !under.named)) {
    leading.transfer = null;
    emit(s, { type: 'hold', held: false });
    note(s, 'the transfer did not come about; this logger goes on leading');
    return;
  }
  if (under.named || !follower?.matched || follower.position.end !== position(s).end) return;
  if (s.commit !== s.log.end) return;
  under.named = true;
  emit(s, { type: 'send', link: follower.link, message: { type: 'take-over', claim: leading.claim } });
}

/** Our leader names us. Its claim is our proof to the voters. */
export function onTakeOver(s: State, { claim }: TakeOver): void {
  if (!sameClaim(claim, s.promised) || s.leading || s.retired || !isMember(s, s.membersSeen)) return;
  s.takeOver = { claim, untilMs: s.nowMs + s.config.timings.transferMs };
  s.openAtMs = s.nowMs;
  s.campaigning = null;
}
