// Whether time alone brings anything about soon. All that may wait longer than a few heartbeats is no reason for haste.
import type { State } from './state.ts';

/** Nobody runs or hands over, and no leader is lost or half-way to it: ticks may be as rare as heartbeats. */
export function isCalm(s: State): boolean {
  if (s.campaigning || s.takeOver || s.lostSinceMs !== null) return false;
  const { leading, leader } = s;
  if (leading) return leading.phase === 'serving' && !leading.transfer;
  if (!leader || s.nowMs < leader.graceUntilMs) return false;
  return s.nowMs - leader.heardMs < s.config.timings.suspectMs / 2;
}
