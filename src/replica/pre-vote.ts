// Rule 8 from the voter's side: may the asker run for leader? Nothing is stored and nothing is promised by a yes; it only
// keeps a logger that lost its own connection, or lags behind, from unseating a leader that the others still hear.
import { doubt } from './certainty.ts';
import { position } from './journal.ts';
import { comparePositions, sameClaim } from './position.ts';
import { promisedEpoch } from './promise.ts';
import { emit, type State } from './state.ts';
import { leaderIsLost } from './suspicion.ts';
import type { PreVote, PreVoteAnswer } from './types.ts';

export function onPreVote(s: State, link: number, asked: PreVote): void {
  const uid = s.links.get(link)?.peer.uid ?? '';
  const reason = verdict(s, uid, asked);
  if (reason === 'yes') s.yieldUntilMs = s.nowMs + s.config.timings.yieldMs;
  emit(s, { type: 'send', link, message: answer(s, asked.attempt, reason) });
}

/** What this replica would say of itself, also used for the candidate's own vote. */
export function answer(s: State, attempt: number, reason: PreVoteAnswer['reason']): PreVoteAnswer {
  return {
    type: 'pre-vote-answer',
    attempt,
    yes: reason === 'yes',
    reason,
    knownEpoch: Math.max(promisedEpoch(s), s.seen?.value?.epoch ?? 0, s.leader?.claim.epoch ?? 0),
    position: position(s),
    empty: s.promised === null && s.log.end === 0 && s.log.pairs.length === 0 && s.membersSeen.length === 0,
    lastSeen: s.membersSeen.map((member) => member.uid).sort(),
    membersVersion: s.membersVersion,
    ...doubt(s),
  };
}

function verdict(s: State, uid: string, asked: PreVote): PreVoteAnswer['reason'] {
  if (s.leading) {
    const { transfer } = s.leading;
    const named = transfer !== null && transfer.phase !== 'nearing' && transfer.uid === uid;
    return named && sameClaim(asked.transfer, s.leading.claim) ? 'yes' : 'leading';
  }
  const named = sameClaim(asked.transfer, s.leader?.claim ?? null);
  if (!named && !leaderIsLost(s)) return 'leader-alive';
  // Who was named may be a moment behind: its leader goes on, and drains before the promises are asked for.
  if (named) return 'yes';
  if (comparePositions(asked.position, position(s), s.config.rules.positionByEpoch) < 0 && prefers(s))
    return 'position';
  return 'yes';
}

/** After `preferMs` without a leader, position no longer vetoes: adoption repairs it. */
const prefers = (s: State): boolean =>
  s.lostSinceMs === null || s.nowMs - s.lostSinceMs < s.config.timings.preferMs;
