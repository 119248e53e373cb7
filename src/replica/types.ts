// The words of the replication core: what replicas say to each other (Message), what happens to a replica (Event) and
// what it wants done (Effect). All are plain data, so that a run can be written down, replayed and compared.
// Offsets, epochs and milliseconds are whole numbers below 2^53. Rule numbers refer to docs/internals/protocol.md.

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
  readonly incarnation: string;
  readonly api: string;
  readonly peer: string;
}

export interface RegisterValue {
  readonly epoch: number;
  readonly leader: LeaderEntry;
  readonly members: readonly Member[];
  readonly revision: number;
}

export interface RegisterSnapshot {
  readonly value: RegisterValue | null;
  readonly index: number;
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
  /** Members last seen in the register; empty when none ever were. */
  readonly members: readonly Member[];
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
// Between replicas. Everything but `batches` and `producers` is safe to write as JSON. Messages of one connection
// arrive in the order sent, or not at all once it breaks.

/** Rule 8: may I run for leader? `attempt` is the candidate's own counter and comes back in the answer. */
export interface PreVote {
  readonly type: 'pre-vote';
  readonly attempt: number;
  /** The epoch whose leader the candidate holds for lost. */
  readonly lostEpoch: number;
  readonly position: Position;
  /** The claim of the leader that named the candidate in a transfer; null otherwise. */
  readonly transfer: Claim | null;
}

export interface PreVoteAnswer {
  readonly type: 'pre-vote-answer';
  readonly attempt: number;
  readonly yes: boolean;
  /** Why not; for logs and traces. */
  readonly reason: 'yes' | 'leader-alive' | 'leading' | 'position' | 'mismatch';
  /** Highest epoch this voter knows of: the new one must be above it. */
  readonly knownEpoch: number;
  readonly position: Position;
  /** Nothing was ever promised, stored or seen here: rule 6, first start. */
  readonly empty: boolean;
  /** Uids of the members last seen in the register, sorted: rule 6, lost register. */
  readonly lastSeen: readonly string[];
}

/** Rule 2: promise to follow this claim and no lower or other one. Sent to members and to those who want to be. */
export interface PromiseRequest {
  readonly type: 'promise';
  readonly claim: Claim;
  /** Where clients find this leader, once it is established. */
  readonly leader: LeaderEntry;
}

/** The promise is on disk, and so is every appended byte below `position.end`. */
export interface Promised {
  readonly type: 'promised';
  readonly claim: Claim;
  readonly position: Position;
}

/** An answer to whatever a claim below the promised one asks for. The receiver learns of a higher epoch (rule 7). */
export interface Refused {
  readonly type: 'refused';
  readonly claim: Claim;
  readonly promisedEpoch: number;
}

/**
 * Rule 4: the leader opens a stream to a follower; it answers with its `tail`. Streams live on one connection, are
 * numbered by the leader, and everything said in an older one is void.
 */
export interface Follow {
  readonly type: 'follow';
  readonly claim: Claim;
  readonly stream: number;
  readonly start: number;
}

/**
 * The receiver of a stream shows its last epochs (rule 4). Under `purpose` "adopt" the receiver is a new leader that
 * fetches from a member with a higher position (rule 2), and this message opens the stream.
 */
export interface Tail {
  readonly type: 'tail';
  readonly claim: Claim;
  readonly stream: number;
  readonly purpose: 'follow' | 'adopt';
  readonly first: number;
  /** Where the last of `pairs` ends: the end of the log, or the start of the pair above the page. */
  readonly end: number;
  /** For people: a receiver never cuts below it. */
  readonly commit: number;
  /** The highest pairs, rising; those of the page below `older` if the source asked so. At most TAIL_PAIRS_MAX. */
  readonly pairs: readonly EpochPair[];
  /** No lower pairs exist. */
  readonly complete: boolean;
}

/** The source of a stream found no shared epoch in the page: show the pairs below `epoch`. */
export interface Older {
  readonly type: 'older';
  readonly epoch: number;
  readonly stream: number;
  readonly below: number;
}

/** Keep the records below `end` and the pairs up to `sharedEpoch`, cut the rest, then say `ready`. */
export interface Cut {
  readonly type: 'cut';
  readonly epoch: number;
  readonly stream: number;
  readonly end: number;
  readonly sharedEpoch: number;
}

/** The receiver's records end below the source's first, or share no epoch: start anew there (rule 4), then `ready`. */
export interface Restart {
  readonly type: 'restart';
  readonly epoch: number;
  readonly stream: number;
  readonly first: number;
  readonly pairs: readonly EpochPair[];
  readonly producers: Buffer;
}

/** The cut is durable: send what follows this position. */
export interface Ready {
  readonly type: 'ready';
  readonly epoch: number;
  readonly stream: number;
  readonly position: Position;
}

/** Whole batches [from, end), as the bytes on disk. Also tells how far the leader has committed and kept its log. */
export interface Batches {
  readonly type: 'batches';
  readonly epoch: number;
  readonly stream: number;
  readonly from: number;
  readonly end: number;
  readonly commit: number;
  readonly first: number;
  readonly batches: readonly Buffer[];
}

/** The next entry of the log is a pair; its start is the receiver's end. */
export interface PairEntry {
  readonly type: 'pair';
  readonly epoch: number;
  readonly stream: number;
  readonly pair: EpochPair;
}

/** Commit (and first offset kept) moved without batches to carry them. */
export interface CommitNote {
  readonly type: 'commit';
  readonly epoch: number;
  readonly stream: number;
  readonly commit: number;
  readonly first: number;
}

/** Cumulative: all below `position` is on the receiver's disk, records and pairs. */
export interface Ack {
  readonly type: 'ack';
  readonly epoch: number;
  readonly stream: number;
  readonly position: Position;
}

/** The receiver gave the stream up (its disk is full, or an entry did not fit): open another later. */
export interface StreamEnd {
  readonly type: 'stream-end';
  readonly epoch: number;
  readonly stream: number;
  readonly reason: 'disk-full' | 'gap' | 'overrun';
}

/** Rule 7 and section transfer: you have everything, take the register now. */
export interface TakeOver {
  readonly type: 'take-over';
  readonly claim: Claim;
}

/** Linearizable reads: do you still follow this claim, now? */
export interface Confirm {
  readonly type: 'confirm';
  readonly claim: Claim;
  readonly round: number;
}

export interface Confirmed {
  readonly type: 'confirmed';
  readonly claim: Claim;
  readonly round: number;
}

export type Message =
  | PreVote
  | PreVoteAnswer
  | PromiseRequest
  | Promised
  | Refused
  | Follow
  | Tail
  | Older
  | Cut
  | Restart
  | Ready
  | Batches
  | PairEntry
  | CommitNote
  | Ack
  | StreamEnd
  | TakeOver
  | Confirm
  | Confirmed;

/** What a heartbeat carries: sent every `heartbeatMs` on a connection of its own, and at once when it changes. */
export interface Beat {
  /** Highest epoch that the sender has promised. */
  readonly promisedEpoch: number;
  /** The sender's own claim while it leads or starts to; null otherwise. */
  readonly claim: Claim | null;
  /** It leads and takes records: its epoch has its pair. */
  readonly established: boolean;
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
  /** Both logs have the epoch, with different starts: some disk lied. */
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

/** Pairs in one `tail`. */
export const TAIL_PAIRS_MAX = 64;
