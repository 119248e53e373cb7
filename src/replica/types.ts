// The words of the replication core: what replicas say to each other (Message), what happens to a replica (Event) and
// what it wants done (Effect). All are plain data, so that a run can be written down, replayed and compared.
// Offsets, epochs and milliseconds are whole numbers below 2^53. Rule numbers refer to docs/internals/protocol.md.

import type { Beat, Message } from './messages.ts';

export * from './messages.ts';

/** The start of an epoch: an entry of the log like any batch, which takes no offset (rule 3). */
export interface EpochPair {
  readonly epoch: number;
  /** The end of the log of the leader of `epoch` when its epoch began. */
  readonly start: number;
}

/** How much of a log a replica has; compared like pairs, epoch first (rule 2). Epoch 0: no pair at all. */
export interface Position {
  readonly epoch: number;
  readonly end: number;
}

/** A logger that counts in majorities, or wants to. `uid` is that of its data directory, and the identity (rule 6). */
export interface Member {
  readonly id: string;
  readonly uid: string;
  readonly peer: string;
}

/** One claim to lead: at most one incarnation is ever promised per epoch (rule 2). */
export interface Claim {
  readonly epoch: number;
  readonly incarnation: string;
}

export interface LeaderEntry {
  readonly id: string;
  /** New for every attempt to lead: a UUID. */
  readonly incarnation: string;
  /** Base URL of its HTTP API. */
  readonly api: string;
  /** host:port of its replication listener. */
  readonly peer: string;
}

/**
 * When a set of members was written: the epoch of the leader that wrote it, and the register's revision. Compared epoch
 * first. Epoch 0: not known, written by an older version of this software.
 */
export interface MembersVersion {
  readonly epoch: number;
  readonly revision: number;
}

/** Members, and when they were written. */
export interface MemberSet {
  readonly members: readonly Member[];
  readonly version: MembersVersion;
}

export interface RegisterValue {
  readonly epoch: number;
  readonly leader: LeaderEntry;
  readonly members: readonly Member[];
  /** Of `members`. A new leader keeps it: only a change of members, a first start or a forced rebuild sets a new one. */
  readonly membersVersion: MembersVersion;
  /** Grows with every write, since Consul does not move the index for an identical one. */
  readonly revision: number;
}

export interface RegisterSnapshot {
  /** Null when there is no register. */
  readonly value: RegisterValue | null;
  /** Of the register's last change (Consul's ModifyIndex); 0 when there is none. */
  readonly index: number;
  /** The session that holds the lock. */
  readonly session: string | null;
}

export type RegisterOutcome =
  | { readonly kind: 'done'; readonly snapshot: RegisterSnapshot }
  | {
      readonly kind: 'refused';
      readonly reason: 'index-moved' | 'session-invalid' | 'lock-held';
      readonly now: RegisterSnapshot;
    }
  | { readonly kind: 'unknown' };

/** What a replica remembers besides its log. */
export interface DurableState {
  /** Highest epoch ever promised; never falls. */
  readonly promisedEpoch: number;
  /** To whom; null exactly when `promisedEpoch` is 0. */
  readonly promisedIncarnation: string | null;
  /** The newest members known, from the register or from a leader; empty when none ever were. */
  readonly members: readonly Member[];
  readonly membersVersion: MembersVersion;
  /** Rule 2: the log may lack records that this replica acknowledged. */
  readonly uncertain?: true;
}

/** The log as the core needs to know it. `first <= syncedEnd <= end`; pairs rise in epoch and never fall in start. */
export interface LogView {
  readonly first: number;
  readonly end: number;
  readonly syncedEnd: number;
  readonly generation: number;
  readonly pairs: readonly EpochPair[];
}

// ---------------------------------------------------------------------------------------------------------------
// What happens to a replica. `Replica.step(event, nowMs)`; nowMs never falls.

export type Event =
  | { readonly type: 'tick' }
  /** From the watch, or the answer to `read-register` with that token; always read consistently. */
  | { readonly type: 'register'; readonly snapshot: RegisterSnapshot; readonly token: number | null }
  | { readonly type: 'register-read-failed'; readonly token: number }
  | { readonly type: 'register-written'; readonly token: number; readonly outcome: RegisterOutcome }
  | { readonly type: 'session-opened'; readonly session: string }
  | { readonly type: 'session-failed' }
  | { readonly type: 'session-ended'; readonly session: string }
  /** A connection to a peer stands; it replaces the former one to the same uid, whose `disconnected` came before. */
  | { readonly type: 'connected'; readonly link: number; readonly peer: Member }
  | { readonly type: 'disconnected'; readonly link: number }
  | { readonly type: 'message'; readonly link: number; readonly message: Message }
  | { readonly type: 'beat'; readonly uid: string; readonly beat: Beat }
  /** `store-state` with that token is durable. */
  | { readonly type: 'state-stored'; readonly token: number }
  /** All below `end` is on disk, if `generation` is still the log's. */
  | { readonly type: 'synced'; readonly end: number; readonly generation: number }
  /** The one log change that was under way (cut, pair or reset) is durable. */
  | { readonly type: 'log-changed'; readonly log: LogView }
  /** The change cannot be: the log is as it was. What a peer asked for ends its stream; what this replica wants is a fault. */
  | { readonly type: 'change-refused'; readonly log: LogView; readonly text: string }
  /** The log dropped old segments: `first` moved. */
  | { readonly type: 'log-trimmed'; readonly first: number }
  /** As leader: records were appended up to `end`. Only between `role` leading and the next role. */
  | { readonly type: 'appended'; readonly end: number }
  /** As follower: the batches of an `append` effect were refused; the log still ends at `end`. */
  | { readonly type: 'append-failed'; readonly reason: 'disk-full' | 'gap'; readonly end: number }
  /** What a stream should send next was dropped from the log meanwhile: match anew. */
  | { readonly type: 'stream-behind'; readonly link: number; readonly stream: number }
  | { readonly type: 'transfer'; readonly to: string | null }
  | { readonly type: 'confirm'; readonly request: number }
  /** Ids that should be members; null: those in the register and the configured ones. */
  | { readonly type: 'want-members'; readonly ids: readonly string[] | null }
  /** The operator's word that the lost register may be rebuilt from those who answer (rule 6). */
  | { readonly type: 'rebuild-register' }
  /** Do not run for leader any more; a transfer comes first, if at all. */
  | { readonly type: 'retire' };

// ---------------------------------------------------------------------------------------------------------------
// What a replica wants done, in order. The driver carries them out and never decides.

/** Who leads, as far as this replica knows. `established` leaders are the only ones that clients are sent to. */
export type Role =
  | { readonly kind: 'leading'; readonly epoch: number; readonly start: number }
  | {
      readonly kind: 'following';
      readonly epoch: number;
      readonly leader: { readonly id: string; readonly api: string };
    }
  | { readonly kind: 'leaderless'; readonly epoch: number };

/** Why leadership ended; also the label of a metric. */
export type StepDownReason =
  | 'higher-epoch'
  /** Another incarnation was promised the same epoch: two claims share it, and neither may go on. */
  | 'same-epoch'
  | 'register'
  | 'transferred'
  | 'quiet'
  | 'stuck'
  | 'no-promises'
  | 'adoption'
  | 'retired';

export type Fault =
  /** A leader wants records cut that are committed here: some disk lied. Stop and alarm. */
  | 'cut-below-commit'
  /** The leader has an epoch of this log from another offset on: some disk lied, or the epoch was given out twice. */
  | 'pairs-disagree'
  /** The bytes of a batch are not where they say. */
  | 'log-mismatch';

export type Effect =
  | { readonly type: 'send'; readonly link: number; readonly message: Message }
  | { readonly type: 'beat'; readonly beat: Beat }
  /** Addresses to keep connections to, besides those configured. */
  | { readonly type: 'peers'; readonly members: readonly Member[] }
  | { readonly type: 'store-state'; readonly token: number; readonly state: DurableState }
  | {
      readonly type: 'append';
      readonly from: number;
      readonly end: number;
      readonly batches: readonly Buffer[];
    }
  /** Sync all that is appended now. At most one is outstanding beside the log's own group commit. */
  | { readonly type: 'sync' }
  /** The next three change the log; one at a time; each is answered by `log-changed`. Records first, then pairs. */
  | { readonly type: 'cut'; readonly end: number; readonly sharedEpoch: number }
  | { readonly type: 'add-pair'; readonly pair: EpochPair }
  | {
      readonly type: 'reset';
      readonly first: number;
      readonly pairs: readonly EpochPair[];
      readonly producers: Buffer;
    }
  /** Drop whole segments below `first`, as the leader did. */
  | { readonly type: 'trim'; readonly first: number }
  /** Stream what follows `position` on `link`: batches and pairs in order, below `until` when it is not null. */
  | {
      readonly type: 'stream';
      readonly link: number;
      readonly epoch: number;
      readonly stream: number;
      readonly position: Position;
      readonly until: Position | null;
    }
  | { readonly type: 'stream-stop'; readonly link: number; readonly stream: number }
  /** The receiver has all below `end`: the window opens by as much. */
  | { readonly type: 'stream-acked'; readonly link: number; readonly stream: number; readonly end: number }
  /** Send a `restart` with the log's first offset, pairs and producer table. */
  | {
      readonly type: 'stream-restart';
      readonly link: number;
      readonly epoch: number;
      readonly stream: number;
    }
  | { readonly type: 'open-session' }
  | { readonly type: 'destroy-session'; readonly session: string }
  | { readonly type: 'read-register'; readonly token: number }
  | {
      readonly type: 'take-register' | 'update-register';
      readonly token: number;
      readonly seen: RegisterSnapshot;
      readonly value: RegisterValue;
      readonly session: string;
    }
  /** Leading: take records from now on. Not leading: every pending append ends as unknown. */
  | { readonly type: 'role'; readonly role: Role; readonly reason: StepDownReason | null }
  /** While true, new appends wait: a transfer is under way. */
  | { readonly type: 'hold'; readonly held: boolean }
  | { readonly type: 'commit'; readonly commit: number }
  | { readonly type: 'transfer-started'; readonly to: string; readonly epoch: number }
  | { readonly type: 'transfer-refused'; readonly reason: string }
  | { readonly type: 'confirmed'; readonly request: number; readonly ok: boolean; readonly commit: number }
  /** Call `tick` at that time, if it comes before the next one anyway. */
  | { readonly type: 'wake'; readonly atMs: number }
  /** For people: rare, never on the hot path. */
  | { readonly type: 'note'; readonly text: string }
  /** Stop for good: going on could lose records. */
  | { readonly type: 'fault'; readonly fault: Fault; readonly text: string };
