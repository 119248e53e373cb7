// The interface of the log, before the files behind it. Offsets are JavaScript numbers (whole, below 2^53);
// producer ids are bigint (63 bits). A batch is Kafka's record batch v2 as bytes: encoded once, then stored,
// replicated and served unchanged; only base offset and epoch, which its CRC leaves out, are stamped later.

/** The start of an epoch: the leader of `epoch` appended its first record at `start` or later. */
export interface EpochPair {
  readonly epoch: number;
  readonly start: number;
}

/** How much of a log a replica has; compared like pairs: epoch first, then end. */
export interface Position {
  /** Epoch of the last pair in the leader-epoch checkpoint; 0 when there is none. */
  readonly epoch: number;
  /** Offset after the last record. */
  readonly end: number;
}

/** Who sent a batch, for exactly-once appends. Each batch of a producer has sequences `sequence`…`sequence+count-1`. */
export interface ProducerStamp {
  readonly id: bigint;
  readonly epoch: number;
  readonly sequence: number;
  /** The batch is stored only if this is still the last batch of the producer (null: none is known). Not part of the log. */
  readonly after?: ProducerMark | null;
}

/** How far a producer has come: the last sequence of an epoch. */
export interface ProducerMark {
  readonly epoch: number;
  readonly lastSequence: number;
}

export interface RecordInput {
  readonly key?: Uint8Array | null;
  readonly value: Uint8Array;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

export interface LogRecord {
  readonly offset: number;
  /** Milliseconds since 1970, set by the leader; never lower than that of the record before. */
  readonly timestampMs: number;
  readonly epoch: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
}

/** What the fixed 61-byte header of a batch says. */
export interface BatchHeader {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly epoch: number;
  readonly crc: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producer: ProducerStamp | null;
  readonly count: number;
}

/** What the log knows of a batch that a producer offers, before it is appended. */
export type ProducerVerdict =
  | { readonly kind: 'next' }
  /** The same batch is in the log already: wait until `offset + count` is committed and answer with it. */
  | { readonly kind: 'repeat'; readonly offset: number; readonly count: number; readonly epoch: number }
  | {
      readonly kind: 'refused';
      readonly code: 'sequence-gap' | 'sequence-conflict' | 'producer-fenced' | 'producer-moved';
    };

export interface ProducerState {
  readonly id: bigint;
  readonly epoch: number;
  readonly lastSequence: number;
  /** Offset of the record with `lastSequence`. */
  readonly lastOffset: number;
}

/** A sync that has ended. It vouches for the bytes below `end` as long as `generation` is still the log's. */
export interface Synced {
  readonly end: number;
  readonly generation: number;
}

export interface Log {
  /** Made when the data directory is created; a quarantined log gets a new one. A UUID. */
  readonly uid: string;
  readonly first: number;
  readonly end: number;
  /** All below is on the disk. Never above `end`. */
  readonly syncedEnd: number;
  /** Raised by every cut and reset; voids older sync completions. */
  readonly generation: number;
  readonly position: Position;
  readonly pairs: readonly EpochPair[];
  /** Highest commit that was stored; a lower bound after a restart. */
  readonly storedCommit: number;
  readonly sizeBytes: number;
  readonly segmentCount: number;
  /** Timestamp of the last record, 0 when there is none: the leader's clock never goes below. */
  readonly lastTimestampMs: number;
  /** True while the disk refuses writes for want of room. Appends fail with `disk-full`; reads go on. */
  readonly full: boolean;

  /**
   * Appends whole batches whose base offset and epoch are stamped and continue at `end`. Takes effect at once
   * for `end`, `read` and the producer table; the bytes are written in order behind it. Throws `disk-full` or, when the
   * disk does not keep up, `overloaded` (LoggerError) with nothing changed; RangeError when the batches do not continue
   * the log in offset, epoch (that of the last pair) and timestamp. CRCs are taken on trust: see `batchesProblem`.
   */
  append(batches: readonly Buffer[]): void;
  /**
   * Resolves when everything appended before the call is on the disk. Group commit: one fdatasync at a time, each
   * covering all that was written during the last. A failed fsync ends the log: see `onFatal`.
   */
  sync(): Promise<Synced>;
  /** Cuts to `end` (log first, then pairs, both synced) and rolls the producer table back with it. */
  truncate(end: number): Promise<void>;
  /**
   * Stores a pair at the present end. The log is synced up to `start` before the pair is. One change at a time: while this
   * or one of the next two or `truncate` is under way, appends and other changes are errors.
   */
  addPair(pair: EpochPair): Promise<void>;
  /** Drops every pair above `epoch` that has no record; used where the leader lacks them. Synced. */
  cutPairsAbove(epoch: number): Promise<void>;
  /**
   * Throws everything away and starts at `first` with the leader's pairs up to `first` and its producer table. Crash-safe.
   */
  reset(first: number, pairs: readonly EpochPair[], producers: Buffer): Promise<void>;
  /**
   * Whole batches from the one that holds `offset`, of at least one batch and up to about `maxBytes`; none that reaches
   * beyond `below`. A buffer holds one batch or more. Rejects with `offset-gone` or `offset-out-of-range`.
   */
  read(offset: number, limits: { maxBytes: number; below: number }): Promise<Buffer[]>;
  /** As `read`, from the memory of recent batches, without waiting; null when they are not there any more. */
  readRecent(offset: number, limits: { maxBytes: number; below: number }): Buffer[] | null;
  /** Offset of the first record whose timestamp is at or after; `end` if none. */
  offsetAt(timestampMs: number): Promise<number>;
  /** Checks a batch against the producer table (rule 9 of the protocol). `crc` is the batch's `contentCrc`. */
  judge(stamp: ProducerStamp, count: number, crc: number): ProducerVerdict;
  producer(id: bigint): ProducerState | null;
  /** The producer table as bytes, for a follower that starts anew at `first`. */
  producersAt(offset: number): Promise<Buffer>;
  /** Remembers a commit; written lazily (with the next segment roll, on close, and at most every second). */
  noteCommit(commit: number): void;
  /** Deletes whole old segments by bytes and age, never above `commit`; returns the new first offset. */
  retain(policy: { maxBytes: number; maxAgeMs: number; nowMs: number; commit: number }): Promise<number>;
  /** Deletes whole segments below `first`, as decided by the leader. */
  deleteBelow(first: number): Promise<void>;
  /** Flushes, marks a clean stop and closes. */
  close(): Promise<void>;
}

/** What a replica must remember besides its log; each change is durable before `save` resolves. */
export interface ReplicaState {
  readonly promisedEpoch: number;
  /** To whom `promisedEpoch` was promised; null for none. */
  readonly promisedIncarnation: string | null;
  /** The newest members known; empty when none ever were. */
  readonly members: readonly Member[];
  readonly membersVersion: MembersVersion;
  /** Records beyond the recovery mark were found spoiled and cut: this log may lack some that were acknowledged. */
  readonly uncertain?: true;
}

/** When members were written to the register: by the leader of `epoch`, at that revision. Epoch 0: not known. */
export interface MembersVersion {
  readonly epoch: number;
  readonly revision: number;
}

export interface Member {
  readonly id: string;
  readonly uid: string;
  /** host:port of its replication listener. */
  readonly peer: string;
}

export interface StateFile {
  readonly value: ReplicaState;
  save(value: ReplicaState): Promise<void>;
}
