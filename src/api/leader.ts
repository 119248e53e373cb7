// What only the leader may answer. Others answer 307 to the leader's same path, and only ever name an established leader;
// while there is none the answer is 503, to be tried again soon.
import { LoggerError } from '../errors.ts';
import type { LeaderAddress, LoggerService } from './types.ts';

/** Thrown instead of an answer: the leader is elsewhere and nothing was done here. */
class LeaderElsewhere extends Error {
  override readonly name = 'LeaderElsewhere';
  readonly leader: LeaderAddress;

  constructor(leader: LeaderAddress) {
    super(`${leader.id} leads`);
    this.leader = leader;
  }
}

export function refuseUnlessLeading(service: LoggerService): void {
  const state = service.redirect();
  if (state.leading) return;
  if (state.leader === null) throw new LoggerError('no-leader');
  throw new LeaderElsewhere(state.leader);
}

/** For answers that must not be stale. What they ask is no write, so nothing about one can be unknown. */
export async function confirmLeadership(service: LoggerService): Promise<void> {
  refuseUnlessLeading(service);
  try {
    await service.confirmLeadership();
  } catch (error) {
    if (!(error instanceof LoggerError) || error.code !== 'outcome-unknown') throw error;
    throw new LoggerError('not-ready', error.message, { cause: error });
  }
}

/** What was refused because leadership ended meanwhile may be sent to the new leader, if there is one already. */
export function leaderOf(error: unknown, service: LoggerService): LeaderAddress | null {
  if (error instanceof LeaderElsewhere) return error.leader;
  if (!(error instanceof LoggerError) || error.code !== 'not-leader') return null;
  const state = service.redirect();
  return state.leading ? null : state.leader;
}

/** The same path and query at the leader. A proxy may send the whole URL; only its path is ours. */
export function locationAt(leader: LeaderAddress, url: string): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '');
  return `${leader.api}${path.startsWith('/') ? '' : '/'}${path}`;
}
