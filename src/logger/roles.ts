// What follows from a change of role: label and catalog, which run beside leadership and never before it, and the clients'
// connections. A leader that steps down must not keep them, but a request that is just on its way would meet a closed door:
// so the idle ones are closed a moment later, when whoever sends much has already been shown the way to the new leader.
import type { Logger as PinoLogger } from 'pino';
import type { Role } from './replicated-log.ts';

const CLOSE_AFTER_MS = 100;
/** The catalog is for people and can wait: a takeover should not share Consul's disk with it. */
const CATALOG_AFTER_MS = 500;

export interface RoleParts {
  readonly api: { closeConnections(): void };
  readonly label: { lead(epoch: number): void; follow(): void };
  readonly catalog: { set(role: 'leader' | 'follower'): void };
  readonly metrics: {
    readonly leaderChanges: { inc(): void };
    readonly leadershipLost: { labels(reason: string): { inc(): void } };
    readonly elections: { inc(): void };
    readonly electionDuration: { observe(seconds: number): void };
  };
  readonly out: PinoLogger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Calls `run` once after `ms`. */
  readonly after: (ms: number, run: () => void) => void;
}

/** Returns the handler for ReplicatedLog.onRole. */
export function followRole(parts: RoleParts): (role: Role, reason: string) => void {
  const { label, catalog, metrics, out, after } = parts;
  let last: Role = { kind: 'follower', epoch: 0, leader: null };
  let lastLeader: string | null = null;
  let listed: Role['kind'] | null = null;
  let leaderlessSinceMs = parts.now();
  return (role, reason) => {
    if (last.kind === 'leader' && role.kind !== 'leader') stepDown(parts, last.epoch, reason, () => last);
    if (!isLeaderless(last)) leaderlessSinceMs = parts.now();
    if (role.kind === 'leader' && last.kind !== 'leader') {
      metrics.elections.inc();
      metrics.electionDuration.observe((parts.now() - leaderlessSinceMs) / 1000);
    }
    last = role;
    if (listed === null) catalog.set(role.kind);
    else if (listed !== role.kind) after(CATALOG_AFTER_MS, () => catalog.set(last.kind));
    listed = role.kind;
    if (role.kind === 'leader') {
      label.lead(role.epoch);
      out.info({ event: 'leading', epoch: role.epoch }, `Leading in epoch ${role.epoch}`);
    } else {
      label.follow();
      if (role.leader)
        out.info(
          { event: 'following', epoch: role.epoch, leader: role.leader.id },
          `Following ${role.leader.id} in epoch ${role.epoch}`,
        );
    }
    const leader = leaderOf(role);
    if (leader === null || leader === lastLeader) return;
    lastLeader = leader;
    metrics.leaderChanges.inc();
  };
}

function stepDown(
  { api, metrics, out, after }: RoleParts,
  epoch: number,
  reason: string,
  present: () => Role,
): void {
  after(CLOSE_AFTER_MS, () => {
    if (present().kind !== 'leader') api.closeConnections();
  });
  metrics.leadershipLost.labels(reason).inc();
  out.warn({ event: 'leadership-lost', epoch, reason }, `No longer leading epoch ${epoch}: ${reason}`);
}

const isLeaderless = (role: Role): boolean => role.kind === 'follower' && role.leader === null;

/** A leader and its epoch as one text; null while none is known. */
function leaderOf(role: Role): string | null {
  if (role.kind === 'leader') return `self in ${role.epoch}`;
  return role.leader && `${role.leader.id} in ${role.epoch}`;
}
