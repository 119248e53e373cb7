// Rule 2, promises. A promise is (epoch, incarnation), one incarnation per epoch, raised in memory at once and stored
// before it is answered. In memory it ends everything of a lower epoch: leading, a candidacy, streams, acknowledgements.
// The answer waits until nothing changes the log any more and every appended byte is on disk.
import { abandonCampaign } from './campaign.ts';
import { doubt } from './certainty.ts';
import { durablePosition, isSettled, position, wantSync } from './journal.ts';
import { stepDown } from './leadership.ts';
import { compareVersions, sameClaim, sameMembers } from './position.ts';
import { endReceiver } from './receiver.ts';
import { isReplaced, learnMembers } from './register.ts';
import { endSources } from './source.ts';
import { emit, nextToken, type State } from './state.ts';
import { learnLeader } from './suspicion.ts';
import type { Claim, DurableState, MemberSet, PromiseRequest } from './types.ts';

export const promisedEpoch = (s: State): number => s.promised?.epoch ?? 0;

/** True when nothing higher was promised, and nobody else in the same epoch. */
export const mayPromise = (s: State, claim: Claim): boolean =>
  claim.epoch > promisedEpoch(s) || sameClaim(claim, s.promised);

/** Rule 6: not for a claim whose members this voter knows to be replaced. */
const mayCount = (s: State, electorate: MemberSet | null): boolean =>
  electorate === null || !isReplaced(s, electorate) || !s.config.rules.electorateChecked;

/** Ends what belongs to lower epochs, at once and before anything is stored. */
export function raisePromise(s: State, claim: Claim): void {
  if (sameClaim(claim, s.promised)) return;
  if (s.leading) stepDown(s, 'higher-epoch');
  abandonCampaign(s);
  s.takeOver = null;
  voidReceiver(s);
  endSources(s);
  s.promised = claim;
}

/** Nothing more is taken in from a lower leader, and nothing of it is acknowledged. */
function voidReceiver(s: State): void {
  const { promiseCheckedOnAppend, lateAckVoid } = s.config.rules;
  s.membersOwed = null;
  if (s.receiver && promiseCheckedOnAppend) s.receiver.closed = true;
  if (promiseCheckedOnAppend && lateAckVoid) endReceiver(s);
}

export function onPromiseRequest(s: State, link: number, request: PromiseRequest): void {
  const { claim, leader, electorate } = request;
  if (!mayPromise(s, claim)) {
    emit(s, { type: 'send', link, message: { type: 'refused', claim, promisedEpoch: promisedEpoch(s) } });
    return;
  }
  raisePromise(s, claim);
  if (electorate) learnMembers(s, electorate);
  // Somebody leads: the operator's word was for the register that was lost.
  s.rebuildAllowed = false;
  learnLeader(s, claim, leader, s.links.get(link)?.peer.uid ?? null);
  s.owed = { link, claim, electorate: electorate ?? null };
}

const isStored = (s: State): boolean =>
  s.durable.promisedEpoch === s.promised?.epoch && s.durable.promisedIncarnation === s.promised.incarnation;

/** The own promise of a leader, or the one that an answer stands for, holds over a restart. */
export const promiseHolds = (s: State): boolean => isStored(s) || !s.config.rules.promiseStored;

/** Sends the owed answer once it may leave. */
export function answerPromise(s: State): void {
  const { owed } = s;
  if (!owed) return;
  if (!sameClaim(owed.claim, s.promised) || !s.links.has(owed.link)) {
    s.owed = null;
    return;
  }
  wantSync(s);
  const { promiseCoversAll } = s.config.rules;
  if (!promiseHolds(s) || s.log.changing || (!isSettled(s) && promiseCoversAll)) return;
  s.owed = null;
  const covered = promiseCoversAll ? position(s) : durablePosition(s);
  const { link, claim, electorate } = owed;
  const newer = mayCount(s, electorate) ? {} : { newerMembers: s.membersVersion };
  const message = { type: 'promised', claim, position: covered, ...newer, ...doubt(s) } as const;
  emit(s, { type: 'send', link, message });
}

/** Keeps the state file at what was promised and seen; one write at a time, the newest wins. */
export function storeState(s: State): void {
  if (s.storing) return;
  const stored = isStored(s) || s.promised === null || !s.config.rules.promiseStored;
  const known = compareVersions(s.durable.membersVersion, s.membersVersion) >= 0;
  const sameDoubt = s.uncertain === (s.durable.uncertain ?? false);
  if (stored && known && sameDoubt && sameMembers(s.durable.members, s.membersSeen)) return;
  const state: DurableState = {
    promisedEpoch: s.config.rules.promiseStored ? promisedEpoch(s) : 0,
    promisedIncarnation: s.config.rules.promiseStored ? (s.promised?.incarnation ?? null) : null,
    members: s.membersSeen,
    membersVersion: s.membersVersion,
    ...doubt(s),
  };
  s.storing = { token: nextToken(s), state };
  emit(s, { type: 'store-state', ...s.storing });
}

export function onStateStored(s: State, token: number): void {
  if (s.storing?.token !== token) return;
  s.durable = s.storing.state;
  s.storing = null;
}
