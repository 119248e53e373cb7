// Rule 2, voters that are not certain of their logs. A logger that found an odd tail behind a power failure cut it, and with it
// perhaps records that it had acknowledged. It keeps its identity and its promise, and its acknowledgements count as ever; but
// its promise must not be the one by which a new leader learns of such a record. So it counts only together with all other
// members, one of which has the record. It is certain again once it holds what its leader holds.
import { majorityOf } from './position.ts';
import { type Candidate, identityOf, note, type State } from './state.ts';

/** What a voter says of its log, in its messages and on its disk. */
export const doubt = ({ uncertain }: State): { readonly uncertain?: true } =>
  uncertain ? { uncertain: true } : {};

/** Whether the voices of `count` members are enough for a claim. */
export function suffice(
  s: State,
  voices: readonly { readonly uncertain?: boolean }[],
  count: number,
  quorum: 'majority' | 'all',
): boolean {
  if (voices.length === count) return true;
  if (quorum === 'all') return false;
  const counting = s.config.rules.certainCounted ? voices.filter(({ uncertain }) => !uncertain) : voices;
  return counting.length >= majorityOf(count);
}

/** The log holds on disk whatever it may have lost: what was committed before, by the leader that this replica is or follows. */
export function becomeCertain(s: State): void {
  s.uncertain = false;
}

/** Tells people why the election waits for all members. */
export function sayWhoIsUncertain(s: State, { seen, answers, quorum }: Candidate): void {
  const members = seen.value?.members ?? [];
  if (quorum === 'all' || !members.some((member) => answers.get(identityOf(s, member))?.uncertain)) return;
  const silent = members.filter((member) => answers.get(identityOf(s, member))?.yes !== true);
  const names = (of: typeof members): string => of.map(({ id }) => id).join(', ');
  const doubting = members.filter((member) => answers.get(identityOf(s, member))?.uncertain);
  note(
    s,
    `${names(doubting)} may have lost records with the power and counts only with all members; waiting for ${names(silent)}`,
  );
}
