// What the logger's other parts see of leadership and replication: one log, a role, and a commit that never falls.
import type { AppendResult, LeaderAddress, MemberStatus } from '../api/index.ts';
import type { ProducerStamp } from '../log/index.ts';

/** A logger leads in one epoch, or follows; a follower may know the established leader. */
export type Role =
  | { readonly kind: 'leader'; readonly epoch: number }
  | { readonly kind: 'follower'; readonly epoch: number; readonly leader: LeaderAddress | null };

export interface ReplicatedLog {
  readonly role: Role;
  readonly commit: number;
  /**
   * Since the start, commit has reached the epoch of a leader, here or there. Until then it is what was stored of it, and may
   * be lower than what this logger told before it was restarted.
   */
  readonly commitHasBeenCurrent: boolean;
  readonly members: readonly MemberStatus[];
  /** The time that records get which are appended now, unless the log's last timestamp is later: see driver/log-time.ts. */
  readonly time: { now(): number };
  /** Id of the Consul session held now. */
  readonly session: string | null;
  /** Base URL under which this logger says that it is reached. */
  readonly ownApi: string;
  /** Called at once with the present role and after every change, synchronously with it. */
  onRole(handler: (role: Role, reason: string) => void): void;
  /** Called after every advance, synchronously with it. */
  onCommit(handler: (commit: number) => void): void;
  /**
   * Appends one encoded batch as the leader and resolves once it is committed. Rejects with LoggerError: not-leader,
   * outcome-unknown, disk-full, sequence-gap, sequence-conflict, producer-fenced, producer-moved. The batch belongs to the log from
   * here on.
   */
  propose(batch: Buffer, count: number, producer: ProducerStamp | null): Promise<AppendResult>;
  /** Hands leadership to `to`, or to the most caught-up follower. Rejects with not-leader or transfer-impossible. */
  transfer(to: string | null): Promise<{ epoch: number; to: string }>;
  /** Resolves once it is certain that this logger leads now; rejects with not-leader or outcome-unknown. */
  confirmLeadership(): Promise<void>;
  /** Stops leading in an orderly way and takes part no more. The log stays open. */
  stop(): Promise<void>;
}
