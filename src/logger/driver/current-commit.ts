// Whether this logger knows the commit as it is now, and not as it was: before that nobody may be told that there is no more.
import type { State } from '../../replica/index.ts';

type Watched = Readonly<Pick<State, 'leading' | 'receiver' | 'log' | 'commit'>>;

/**
 * A new leader's commit is a lower bound until it has reached the start of its epoch, and so is what it tells others. What was
 * stored here is one too: a follower has to have been told in the stream that it has now.
 */
export function commitIsCurrent({ leading, receiver, log, commit }: Watched): boolean {
  const pair = log.pairs.at(-1);
  if (!pair || commit < pair.start) return false;
  if (leading?.phase === 'serving') return pair.epoch === leading.claim.epoch;
  const follows = receiver?.purpose === 'follow' && receiver.phase === 'ready';
  return follows && pair.epoch === receiver.claim.epoch && receiver.leaderCommit >= pair.start;
}
