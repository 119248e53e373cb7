// What replicas say to each other. Everything but `batches` and `producers` is safe to write as JSON. Messages of one connection
// arrive in the order sent, or not at all once it breaks.
import type { Claim, EpochPair, LeaderEntry, MemberSet, MembersVersion, Position } from './types.ts';

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
  /** Uids of the newest members known here, sorted: rule 6. */
  readonly lastSeen: readonly string[];
  /** Of `lastSeen`. Older versions do not send it. */
  readonly membersVersion?: MembersVersion;
  /** Rule 2: this voter counts only where all members answer. Absent from one that is certain of its log. */
  readonly uncertain?: boolean;
}

/** Rule 2: promise to follow this claim and no lower or other one. Sent to members and to those who want to be. */
export interface PromiseRequest {
  readonly type: 'promise';
  readonly claim: Claim;
  /** Where clients find this leader, once it is established. */
  readonly leader: LeaderEntry;
  /** The members whose majority this claim needs: the voter stores them with its promise (rule 6). Older versions do not send it. */
  readonly electorate?: MemberSet;
}

/** The promise is on disk, and so is every appended byte below `position.end`. */
export interface Promised {
  readonly type: 'promised';
  readonly claim: Claim;
  readonly position: Position;
  /**
   * Rule 6: the voter knows newer members than the claim's electorate. It follows, but its promise does not count: what
   * those members committed may be in no log of the electorate. Absent from a promise that counts.
   */
  readonly newerMembers?: MembersVersion;
  /** As in `PreVoteAnswer`. */
  readonly uncertain?: boolean;
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
  /**
   * Where the stream begins at once, without matching: the receiver's whole log, as it was promised, is the leader's too.
   * A receiver that does not find itself exactly there shows its tail instead. Null: match.
   */
  readonly from: (EpochPair & { readonly end: number }) | null;
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

/** The receiver's log cannot be matched: it has this epoch from another offset on. The receiver stops. */
export interface Diverged {
  readonly type: 'diverged';
  readonly epoch: number;
  readonly stream: number;
  /** The epoch that starts at two offsets. */
  readonly at: number;
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

/** The last batch that both ends of a stream have, as the sender has it. */
export interface SharedBatch {
  /** Offset after its last record. */
  readonly end: number;
  /** Of its header: CRC-32C, which leaves out base offset and epoch. */
  readonly crc: number;
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
  /** Rule 6, with the first note of a stream and after a change: the members to store, answered by `members-stored`. */
  readonly members?: MemberSet;
  /** Once in a stream, for the receiver to compare. Older versions do not send it. */
  readonly shared?: SharedBatch;
}

/** Rule 6: the members of this version, or newer ones, are on the sender's disk. */
export interface MembersStored {
  readonly type: 'members-stored';
  readonly epoch: number;
  readonly stream: number;
  readonly version: MembersVersion;
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

/** Transfer: take the register now. The leader that says so goes on until it hears `taken`. */
export interface TakeOver {
  readonly type: 'take-over';
  readonly claim: Claim;
}

/** Transfer, the answer: the register is taken from the leader of this claim, which drains and says `drained`. */
export interface Taken {
  readonly type: 'taken';
  readonly claim: Claim;
  /** The claim of the sender, and where clients find it. */
  readonly successor: Claim;
  readonly leader: LeaderEntry;
}

/** Transfer: all that the leader of this claim ever appended is committed, and on the successor's disk; it takes no more. */
export interface Drained {
  readonly type: 'drained';
  readonly claim: Claim;
  /** What the register says of the successor, where the leader has read that by now. Older versions do not send it. */
  readonly seen?: SuccessorSeen;
}

/** What a leader read in the register about its successor: Consul's answer to that one may be late. */
export interface SuccessorSeen {
  readonly successor: Claim;
  /** Of the value read (RegisterValue). */
  readonly revision: number;
  /** Of the register's last change (RegisterSnapshot). */
  readonly index: number;
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
  | Diverged
  | Ready
  | Batches
  | PairEntry
  | CommitNote
  | MembersStored
  | Ack
  | StreamEnd
  | TakeOver
  | Taken
  | Drained
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

/** Pairs in one `tail`. */
export const TAIL_PAIRS_MAX = 64;
