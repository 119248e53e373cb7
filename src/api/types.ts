// What the HTTP API asks of the logger behind it.
import type { LogRecord, ProducerStamp, ProducerState, RecordInput } from '../log/types.ts';

export interface AppendResult {
  /** Offset of the first record. */
  readonly offset: number;
  readonly count: number;
  /** Epoch under which the records were stored. */
  readonly epoch: number;
}

/** Records that a client has encoded as one batch, judged by `judgeOffered`. */
export interface OfferedBatch {
  /** The batch; it belongs to the log once it is handed over. Offset, epoch and time are still to be set. */
  readonly bytes: Buffer;
  readonly count: number;
  readonly producer: ProducerStamp | null;
}

export interface LeaderAddress {
  readonly id: string;
  readonly api: string;
}

export interface MemberStatus {
  readonly id: string;
  readonly uid: string;
  readonly peer: string;
  /** Base URL of its HTTP API; null while this logger has not heard it. */
  readonly api: string | null;
  readonly role: 'leader' | 'follower';
  readonly connected: boolean;
  /** What this logger knows of the member's end; null when it knows nothing. */
  readonly end: number | null;
  /** Records behind the leader's end; null when unknown. */
  readonly lag: number | null;
}

export interface Status {
  readonly id: string;
  readonly cluster: string;
  readonly version: string;
  readonly role: 'leader' | 'follower';
  readonly epoch: number;
  readonly leader: LeaderAddress | null;
  readonly offsets: { readonly first: number; readonly commit: number; readonly end: number };
  /** What is damaged in this logger's log, as far as reads have found out. */
  readonly damage: string | null;
  readonly members: readonly MemberStatus[];
  readonly consul: {
    readonly reachable: boolean;
    readonly address: string | null;
    readonly session: string | null;
    readonly error: string | null;
  };
  readonly label: {
    readonly enabled: boolean;
    readonly wanted: 'leader' | 'follower';
    readonly observed: string | null;
    readonly inSync: boolean;
    readonly error: string | null;
  };
}

/** Durations of one interval. */
export interface StatsQuantiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface StatsSample {
  /** Milliseconds since 1970, at the end of the interval; each is later than the one before. */
  readonly time: number;
  readonly role: 'leader' | 'follower';
  readonly epoch: number;
  readonly commit: number;
  /** Records committed, as far as this logger knew. */
  readonly recordsPerSecond: number;
  /** Bytes of record batches committed by this logger as the leader; null when it does not lead. */
  readonly bytesPerSecond: number | null;
  /** From an append request until its answer; null when there was none. */
  readonly append: StatsQuantiles | null;
  readonly fsync: StatsQuantiles | null;
  /** Records behind the end of this leader, by the follower's id; null where unknown. Empty when it does not lead. */
  readonly lag: Readonly<Record<string, number | null>>;
}

export interface Stats {
  readonly intervalMs: number;
  readonly maxSamples: number;
  readonly samples: readonly StatsSample[];
}

export interface LeadershipEpoch {
  readonly epoch: number;
  /** Null when this logger did not see who led. */
  readonly leader: string | null;
  /** Offset at which it began; null while this logger's log does not hold it. */
  readonly start: number | null;
  /** Milliseconds since 1970: when this logger learned of the leader or, if it did not, of the epoch's first record. */
  readonly time: number | null;
  readonly seen: boolean;
}

export interface Membership {
  /** Ids that the operator wants; null when nothing was asked of this leader, or on Kubernetes, where the StatefulSet decides. */
  readonly wanted: readonly string[] | null;
  /** Who counts in majorities now. */
  readonly members: readonly MemberStatus[];
}

/** A stretch of committed records, and where to go on. */
export interface ReadResult {
  readonly records: readonly LogRecord[];
  readonly commit: number;
  readonly next: number;
}

export type AppendRefusal = 'too-many-requests' | 'overloaded';

export interface LoggerService {
  status(): Status;
  /** Whether this logger leads; if not, the established leader where one is known. */
  redirect(): { readonly leading: true } | { readonly leading: false; readonly leader: LeaderAddress | null };
  /** Resolves once an established leader is known, which may be this logger; within a second or so whether or not. */
  leaderKnown(): Promise<void>;
  /** Resolves once an established leader of an epoch above this one is known, or `signal` aborts; early when too many wait. */
  leaderAbove(epoch: number, signal: AbortSignal): Promise<void>;
  /**
   * Stores the records as one batch and resolves once they are committed. Rejects with LoggerError: not-leader, no-leader,
   * outcome-unknown, overloaded, too-many-requests, disk-full, sequence-gap, sequence-conflict, producer-fenced, producer-moved,
   * shutting-down.
   */
  append(records: readonly RecordInput[], producer: ProducerStamp | null): Promise<AppendResult>;
  /** Why an append would be refused now, for what waits already; null where it would not. */
  appendRefusal(): AppendRefusal | null;
  /** Throws not-ready while the commit known here may be lower than one that this logger told before it was restarted. */
  requireCurrentCommit(): void;
  /** As `append`, of records that are a batch already. */
  appendBatch(batch: OfferedBatch): Promise<AppendResult>;
  /**
   * Committed records from `offset`, without holes; at least one when `offset` is below commit, whatever `maxBytes` says.
   * Rejects with offset-gone or offset-out-of-range (extra: first, commit).
   */
  read(offset: number, limits: { maxRecords: number; maxBytes: number }): Promise<ReadResult>;
  /**
   * Offset of the first committed record whose timestamp is at or after this one, or of the record that is committed next
   * where there is none. Rejects with not-ready while this logger cannot know.
   */
  offsetAt(timestampMs: number): Promise<number>;
  /** Resolves true once commit is above `offset`, false when `signal` aborts first. */
  waitForCommit(offset: number, signal: AbortSignal): Promise<boolean>;
  readonly offsets: { readonly first: number; readonly commit: number; readonly end: number };
  /** What the log, committed or not, knows of a producer. */
  producer(id: bigint): ProducerState | null;
  /** Hands leadership over; resolves with the epoch to come once the handover has begun. */
  transfer(to: string | null): Promise<{ epoch: number; to: string }>;
  /**
   * Resolves once a majority, asked after the call, says that this logger still leads: what it had committed when
   * this was called, and more, is then read here. Rejects with not-leader, no-leader or outcome-unknown.
   */
  confirmLeadership(): Promise<void>;
  membership(): Membership;
  /**
   * Ids that should be members; the leader moves the register there, one at a time. The wish ends with its leadership. Throws
   * LoggerError: members-managed, or invalid-request when none of them is a member now.
   */
  setWantedMembers(ids: readonly string[] | null): void;
  /**
   * The operator's word that a lost register may be rebuilt from the members that answer this logger now. Throws
   * LoggerError: leader-present.
   */
  rebuildRegister(): void;
  /** Samples later than `since`, in milliseconds since 1970; oldest first. */
  stats(since: number): Stats;
  /** The last epochs, latest first. */
  history(): Promise<readonly LeadershipEpoch[]>;
  live(): { ok: boolean; reason: string };
  ready(): { ok: boolean; reason: string };
}
