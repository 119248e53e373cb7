// Planned handover (section 2), in two steps, so that records wait for as short as can be. The leader names a target that is
// near its end, and goes on; the target runs at once, by rules 1 and 8. Once it has the register it says so; only then the
// leader takes no more records, waits until the target has all of them, and says that too. The promises (rule 2) come last.
// Either may learn from Consul first that the target has the register: each tells the other.
// What does not come about by a deadline leaves the leader where it was, if the register is still its own.
import { isNear } from './journal.ts';
import { stepDown } from './leadership.ts';
import { sameClaim } from './position.ts';
import { isSucceeded } from './register.ts';
import { emit, identityOf, isMember, type Leadership, note, type State, type Transfer } from './state.ts';
import { learnSuccessor } from './suspicion.ts';
import type { Claim, LeaderEntry, Member, RegisterValue, SuccessorSeen, Taken, TakeOver } from './types.ts';

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
    reachEnd: s.log.end,
    phase: 'nearing',
    successor: null,
  };
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

/** Carries a transfer on as far as its conditions hold: called after every event. */
export function transfer(s: State): void {
  const { leading } = s;
  const under = leading?.transfer;
  if (!leading || !under) return;
  const follower = leading.followers.get(under.uid);
  if (s.nowMs > under.deadlineMs || (under.phase === 'nearing' && !follower)) {
    giveUp(s, leading);
    return;
  }
  if (!follower?.matched) return;
  const { link, position: theirs } = follower;
  if (under.phase === 'nearing' && theirs.end >= under.reachEnd && isNear(s, theirs.end)) {
    under.phase = 'named';
    emit(s, { type: 'send', link, message: { type: 'take-over', claim: leading.claim } });
  } else if (under.phase === 'draining' && theirs.end === s.log.end && s.commit === s.log.end) {
    drained(s, leading, link);
  }
}

/** Nothing is left to do: clients are sent on at once, though the successor has not collected its promises yet. */
function drained(s: State, { claim, transfer: under }: Leadership, link: number): void {
  sayDrained(s, link, claim);
  if (under?.successor) learnSuccessor(s, under.successor.claim, under.successor.entry, under.uid);
  stepDown(s, 'transferred');
}

function sayDrained(s: State, link: number, claim: Claim): void {
  const seen = successorSeen(s, claim);
  emit(s, { type: 'send', link, message: { type: 'drained', claim, ...(seen && { seen }) } });
}

/** Whom the register names after the leader of `claim`, as it was last read here. */
function successorSeen({ seen }: State, claim: Claim): SuccessorSeen | null {
  if (!seen?.value || !isSucceeded(claim, seen.value)) return null;
  const { epoch, leader, revision } = seen.value;
  return { successor: { epoch, incarnation: leader.incarnation }, revision, index: seen.index };
}

/** The leader goes on, unless the register says that another one does (rule 7). */
function giveUp(s: State, leading: Leadership): void {
  if (isSucceeded(leading.claim, s.seen?.value ?? null)) {
    stepDown(s, 'transferred');
    return;
  }
  leading.transfer = null;
  emit(s, { type: 'hold', held: false });
  note(s, 'the transfer did not come about; this logger goes on leading');
}

export function onTaken(s: State, link: number, { claim, successor, leader }: Taken): void {
  const { leading } = s;
  const uid = s.links.get(link)?.peer.uid;
  if (leading?.transfer && leading.transfer.uid === uid && sameClaim(claim, leading.claim))
    drain(s, leading.transfer, successor, leader);
  // The register told us sooner than its winner knew: what was said then is said again.
  else if (sameClaim(successor, s.leader?.claim ?? null) && sameClaim(claim, s.promised))
    sayDrained(s, link, claim);
}

/** True when the register names the target of a transfer under way: the leader drains, though the lock is no longer its own. */
export function drainFor(s: State, leading: Leadership, { epoch, leader }: RegisterValue): boolean {
  const { transfer: under } = leading;
  const target = leading.members.find(({ id }) => id === leader.id)?.uid;
  if (!under || under.phase === 'nearing' || under.uid !== target) return false;
  drain(s, under, { epoch, incarnation: leader.incarnation }, leader);
  return true;
}

/** The target has the register: no record is taken any more. A bound of its own, since clients wait now. */
function drain(s: State, under: Transfer, claim: Claim, entry: LeaderEntry): void {
  if (under.phase !== 'named') return;
  under.phase = 'draining';
  under.successor = { claim, entry };
  under.deadlineMs = s.nowMs + 2 * s.config.timings.drainMs;
  emit(s, { type: 'hold', held: true });
}

/** Our leader names us. Its claim is our proof to the voters. */
export function onTakeOver(s: State, { claim }: TakeOver): void {
  if (!sameClaim(claim, s.promised) || s.leading || s.retired || !isMember(s, s.membersSeen)) return;
  s.takeOver = { claim, untilMs: s.nowMs + s.config.timings.transferMs };
  s.openAtMs = s.nowMs;
  if (s.campaigning?.phase !== 'taken') s.campaigning = null;
}
