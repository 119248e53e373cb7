// What follows from a change of role, in the order that matters: clients first (a leader that steps down must not keep
// their connections), then label and catalog, which run beside leadership and never before it.
import type { Logger as PinoLogger } from 'pino';
import type { Api } from '../api/index.ts';
import type { CatalogEntry } from '../election/index.ts';
import type { LabelKeeper } from '../kubernetes/index.ts';
import type { Metrics } from '../metrics.ts';
import type { Role } from './replicated-log.ts';

export interface RoleParts {
  readonly api: Pick<Api, 'closeConnections'>;
  readonly label: LabelKeeper;
  readonly catalog: CatalogEntry;
  readonly metrics: Pick<Metrics, 'leaderChanges' | 'leadershipLost'>;
  readonly out: PinoLogger;
}

/** Returns the handler for ReplicatedLog.onRole. */
export function followRole({
  api,
  label,
  catalog,
  metrics,
  out,
}: RoleParts): (role: Role, reason: string) => void {
  let last: Role = { kind: 'follower', epoch: 0, leader: null };
  let lastLeader: string | null = null;
  return (role, reason) => {
    const before = last;
    last = role;
    if (role.kind === 'leader') {
      label.lead(role.epoch);
      catalog.set('leader');
      out.info({ event: 'leading', epoch: role.epoch }, `Leading in epoch ${role.epoch}`);
    } else {
      if (before.kind === 'leader') {
        api.closeConnections();
        metrics.leadershipLost.labels(reason).inc();
        out.warn(
          { event: 'leadership-lost', epoch: before.epoch, reason },
          `No longer leading epoch ${before.epoch}: ${reason}`,
        );
      }
      label.follow();
      catalog.set('follower');
      if (role.leader)
        out.info(
          { event: 'following', epoch: role.epoch, leader: role.leader.id },
          `Following ${role.leader.id} in epoch ${role.epoch}`,
        );
    }
    const leader = role.kind === 'leader' ? 'self' : (role.leader?.id ?? null);
    if (leader !== null && `${leader} ${role.epoch}` !== lastLeader) {
      lastLeader = `${leader} ${role.epoch}`;
      metrics.leaderChanges.inc();
    }
  };
}
