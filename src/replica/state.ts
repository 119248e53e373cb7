// What a replica knows, in one record. Each concept file owns the fields named after it and is the only one that
// changes them; all may read. Nothing here is durable by itself: `durable` and `log` mirror what the driver reported.
import { UNKNOWN_VERSION } from './position.ts';
import type { Rules } from './rules.ts';
import type { Timings } from './timings.ts';
import type {
  Batches,
  Beat,
  Claim,
  DurableState,
  Effect,
  EpochPair,
  LeaderEntry,
  LogView,
  Member,
  MemberSet,
  MembersVersion,
  PairEntry,
  Position,
  PreVoteAnswer,
  RegisterSnapshot,
  RegisterValue,
  Role,
  StepDownReason,
} from './types.ts';

export interface Config {
  readonly self: Member;
  /** Base URL of this logger's HTTP API, for the register. */
  readonly api: string;
  /** Ids of the first members; used only before a register exists, and to let the rest of them join. */
  readonly bootstrap: readonly string[];
  readonly timings: Timings;
  readonly rules: Rules;
  /** A new UUID at each call. */
  readonly newIncarnation: () => string;
}

/** The log, kept in step with our own effects. `end` moves with each append, the rest when the driver reports. */
export interface LogState {
  first: number;
  end: number;
  /** All below is on disk. */
  syncedEnd: number;
  generation: number;
  /** Durable, each with its records below it. */
  pairs: readonly EpochPair[];
  /** A cut, pair or reset is under way: nothing may be appended, promised or shown meanwhile. */
  changing: boolean;
  /** A `sync` effect is unanswered. */
  syncing: boolean;
  trimming: boolean;
  /** Highest first offset that a trim was asked for: segments go whole, so `first` may stay below it. */
  trimAsked: number;
}

export interface Link {
  readonly link: number;
  readonly peer: Member;
}

/** The leader of the highest claim heard of, if it is not this replica. */
export interface KnownLeader {
  readonly claim: Claim;
  readonly id: string;
  uid: string | null;
  api: string;
  /** It takes records: clients may be sent there. */
  established: boolean;
  heardMs: number;
  /** Until then it is not held for lost, connected or not: a fresh winner needs time to be heard. 0 once it was. */
  graceUntilMs: number;
  /** Its process said that it does not lead, or its connection broke. */
  gone: boolean;
}

export interface Candidate {
  readonly attempt: number;
  readonly transfer: Claim | null;
  phase: 'pre-vote' | 'taking' | 'unsure' | 'taken';
  readonly startedMs: number;
  /** When the register was taken; 0 before. */
  takenMs: number;
  retryAtMs: number;
  /** The value whose index the lock will check: its members are the electorate (rule 6). */
  readonly seen: RegisterSnapshot;
  readonly answers: Map<string, PreVoteAnswer>;
  claim: Claim | null;
  value: RegisterValue | null;
  session: string | null;
  /** Rule 6, lost register: all members must promise, not just a majority. */
  quorum: 'majority' | 'all';
  /** Rule 6: an operator allowed a rebuild without the members that are missing. */
  forced: boolean;
}

export interface Follower {
  readonly uid: string;
  readonly link: number;
  /** 0 while none is open. */
  stream: number;
  /** Its log is ours up to `position`, durable, in this epoch. */
  position: Position;
  /** Rule 4: the cut is done, the end has reached `start` and the pair is on its disk. */
  matched: boolean;
  /** Of its promise, until the first stream: nothing has changed its log since. */
  promised: Position | null;
  /** Of the newest members that it has stored, as it said in its stream. */
  membersVersion: MembersVersion;
  retryAtMs: number;
}

export interface Change {
  readonly members: readonly Member[];
  phase: 'counting' | 'writing' | 'unsure' | 'saving';
  readonly startedMs: number;
  /** Of the last write sent, and of the one that succeeded once the phase is `saving`. */
  version: MembersVersion;
}

export interface Transfer {
  readonly uid: string;
  /** When the leader goes on as if nothing had been; sooner once it drains. */
  deadlineMs: number;
  /** End of the log when the transfer began: a target whose disk does not get there is not named. */
  readonly reachEnd: number;
  /** The target comes near; it was named and runs; it has the register, and no more records are taken. */
  phase: 'nearing' | 'named' | 'draining';
  /** Who has the register now; null before the target has it. */
  successor: { readonly claim: Claim; readonly entry: LeaderEntry } | null;
}

/** A promise that was given, and what it says of the voter's log. */
export interface Voice {
  readonly position: Position;
  readonly uncertain: boolean;
}

export interface Confirmation {
  readonly request: number;
  readonly round: number;
  readonly deadlineMs: number;
}

export interface Leadership {
  readonly claim: Claim;
  readonly quorum: 'majority' | 'all';
  phase: 'promising' | 'adopting' | 'starting' | 'serving';
  /** Rule 6: those that count, as the register has them. Changed only when an outcome is known and stored. */
  members: readonly Member[];
  membersVersion: MembersVersion;
  session: string | null;
  /** Highest revision that we ever tried to write. */
  revision: number;
  /** Highest revision known to have been written; a lower one in the register is Consul from a backup. */
  settledRevision: number;
  readonly promises: Map<string, Voice>;
  readonly followers: Map<string, Follower>;
  /** The highest position that each logger that was lost, by uid, had acknowledged in this epoch. */
  readonly acknowledged: Map<string, Position>;
  /** When each peer last answered in this epoch. */
  readonly heardMs: Map<string, number>;
  /** Grows while an adoption gets on. */
  progress: number;
  adoptFrom: { readonly uid: string; readonly position: Position; readonly link: number } | null;
  /** Rule 3: end of the log when the epoch began; null before. */
  start: number | null;
  /** When the phase, the adoption or commit last moved, or records began to wait. */
  movedMs: number;
  change: Change | null;
  transfer: Transfer | null;
  confirmations: Confirmation[];
  /** Who answered the round under way. */
  readonly confirmed: Set<string>;
  confirmRound: number;
}

/** The sending end of a stream (rule 4, and rule 2's adoption). */
export interface Source {
  readonly link: number;
  readonly stream: number;
  readonly epoch: number;
  readonly purpose: 'follow' | 'adopt';
  phase: 'matching' | 'streaming';
}

/** The receiving end of a stream. */
export interface Receiver {
  readonly link: number;
  readonly stream: number;
  readonly claim: Claim;
  readonly purpose: 'follow' | 'adopt';
  phase: 'opening' | 'matching' | 'cutting' | 'ready';
  /** No entry is taken in any more. */
  closed: boolean;
  /** Entries that wait for a log change to end. */
  inbox: (Batches | PairEntry)[];
  inboxBytes: number;
  /** As the other side told it in this stream; -1 before. */
  leaderCommit: number;
  leaderFirst: number;
  acked: Position | null;
  /** Where an adoption ends. */
  readonly target: Position | null;
}

export interface State {
  readonly config: Config;
  nowMs: number;
  effects: Effect[];
  log: LogState;
  commit: number;

  /** In memory, raised at once; `durable` follows. Rule 2. */
  promised: Claim | null;
  durable: DurableState;
  storing: { readonly token: number; readonly state: DurableState } | null;
  /** Rule 2: the log may lack records that were acknowledged; `durable` follows. */
  uncertain: boolean;
  /** A request whose answer waits for the disk. */
  owed: { readonly link: number; readonly claim: Claim; readonly electorate: MemberSet | null } | null;

  links: Map<number, Link>;
  byUid: Map<string, Link>;

  seen: RegisterSnapshot | null;
  /** The newest members known, from the register or from a leader; stored with the promise. */
  membersSeen: readonly Member[];
  /** Of `membersSeen`; never falls, not even over a restart. */
  membersVersion: MembersVersion;
  /** The leader that waits to hear that its members are stored here; like an acknowledgement, void once a promise is raised. */
  membersOwed: {
    readonly link: number;
    readonly epoch: number;
    readonly stream: number;
    readonly version: MembersVersion;
  } | null;
  /** Epoch and revision of the newest register value seen since the start. */
  newest: { readonly epoch: number; readonly revision: number };
  reading: { readonly token: number; readonly seenIndex: number } | null;
  readWanted: boolean;
  readAtMs: number;
  writing: {
    readonly token: number;
    readonly kind: 'take' | 'retake' | 'change';
    readonly value: RegisterValue;
    readonly session: string;
  } | null;

  /** Opened ahead of need, since opening costs a round trip that takeover would wait for; one per leadership. */
  session: string | null;
  opening: boolean;
  openAtMs: number;
  /** Sessions of past leaderships. */
  lingering: { readonly session: string; readonly fromMs: number; readonly untilMs: number }[];

  leader: KnownLeader | null;
  /** Since when the leader is lost; null while there is one. */
  lostSinceMs: number | null;
  yieldUntilMs: number;
  campaignAtMs: number;
  campaigning: Candidate | null;
  attempts: number;
  /** Told by our leader to take over, until `untilMs`. */
  takeOver: { readonly claim: Claim; readonly untilMs: number } | null;
  rebuildAllowed: boolean;
  retired: boolean;

  leading: Leadership | null;
  sources: Map<number, Source>;
  receiver: Receiver | null;
  wanted: readonly string[] | null;

  role: Role;
  roleReason: StepDownReason | null;
  beat: Beat;
  lastNote: string;
  tokens: number;
  streams: number;
  faulted: boolean;
}

export interface Initial {
  readonly log: LogView;
  readonly commit: number;
  readonly durable: DurableState;
}

export function createState(config: Config, { log, commit, durable }: Initial, nowMs: number): State {
  const promised =
    durable.promisedIncarnation === null
      ? null
      : { epoch: durable.promisedEpoch, incarnation: durable.promisedIncarnation };
  const promisedEpoch = promised?.epoch ?? 0;
  return {
    config,
    nowMs,
    effects: [],
    log: { ...log, changing: false, syncing: false, trimming: false, trimAsked: 0 },
    commit,
    promised,
    durable,
    storing: null,
    uncertain: durable.uncertain === true,
    owed: null,
    links: new Map(),
    byUid: new Map(),
    seen: null,
    membersSeen: durable.members,
    membersVersion: config.rules.versionStored ? durable.membersVersion : UNKNOWN_VERSION,
    membersOwed: null,
    newest: { epoch: 0, revision: 0 },
    reading: null,
    readWanted: false,
    readAtMs: 0,
    writing: null,
    session: null,
    opening: false,
    openAtMs: 0,
    lingering: [],
    leader: null,
    lostSinceMs: null,
    yieldUntilMs: 0,
    campaignAtMs: 0,
    campaigning: null,
    attempts: 0,
    takeOver: null,
    rebuildAllowed: false,
    retired: false,
    leading: null,
    sources: new Map(),
    receiver: null,
    wanted: null,
    role: { kind: 'leaderless', epoch: promisedEpoch },
    roleReason: null,
    beat: { promisedEpoch, claim: null, established: false },
    lastNote: '',
    tokens: 0,
    streams: 0,
    faulted: false,
  };
}

export const emit = (s: State, effect: Effect): void => {
  s.effects.push(effect);
};

export const nextToken = (s: State): number => {
  s.tokens += 1;
  return s.tokens;
};

/** The follower at the other end of a link, while this replica leads. */
export function followerAt(s: State, link: number): Follower | undefined {
  const uid = s.links.get(link)?.peer.uid;
  return uid === undefined ? undefined : s.leading?.followers.get(uid);
}

/** One line for people; a repeated one is said once. */
export const note = (s: State, text: string): void => {
  if (text === s.lastNote) return;
  s.lastNote = text;
  emit(s, { type: 'note', text });
};

/** How a peer counts: by uid, since a logger that lost its disk is another one (rule 6). */
export const identityOf = (s: State, member: Member): string =>
  s.config.rules.uidChecked ? member.uid : member.id;

export const selfIdentity = (s: State): string => identityOf(s, s.config.self);

export const isMember = (s: State, members: readonly Member[]): boolean =>
  members.some((member) => identityOf(s, member) === selfIdentity(s));
