// The logger behind its HTTP API: joins log, replication, Consul and label into the one face that src/api serves.
import type {
  AppendRefusal,
  AppendResult,
  LeaderAddress,
  LeadershipEpoch,
  LoggerService,
  OfferedBatch,
  ReadResult,
  Stats,
  Status,
} from '../api/index.ts';
import { LoggerError } from '../errors.ts';
import {
  type Log,
  type LogRecord,
  type ProducerStamp,
  type ProducerState,
  type RecordInput,
  recordsOf,
} from '../log/index.ts';
import { loopShare } from '../loop-share.ts';
import type { Appends } from './appends.ts';
import type { CommitWaiters } from './commit-waiters.ts';
import type { LeaderWait } from './leader-wait.ts';
import type { LeadershipHistory } from './leadership-history.ts';
import type { Operator } from './operator.ts';
import type { RecentStats } from './recent-stats.ts';
import type { ReplicatedLog } from './replicated-log.ts';

export interface ServiceParts {
  readonly id: string;
  readonly cluster: string;
  readonly version: string;
  readonly log: Log;
  readonly replicated: ReplicatedLog;
  readonly appends: Appends;
  readonly waiters: CommitWaiters;
  readonly leaderWait: LeaderWait;
  readonly operator: Operator;
  readonly recent: Pick<RecentStats, 'since'>;
  readonly history: Pick<LeadershipHistory, 'epochs'>;
  readonly consul: () => Omit<Status['consul'], 'session'>;
  readonly registerReadable: () => boolean;
  readonly label: () => Status['label'];
  readonly damage: () => string | null;
  /** Told of each read's number of records. */
  readonly onRead: (records: number) => void;
}

export class Service implements LoggerService {
  readonly #parts: ServiceParts;
  #stopping = false;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  /** Withdraws readiness. A leader goes on taking appends until it has handed over. */
  beginShutdown(): void {
    this.#stopping = true;
  }

  status(): Status {
    const { id, cluster, version, replicated, consul, label, damage } = this.#parts;
    const { role } = replicated;
    return {
      id,
      cluster,
      version,
      role: role.kind,
      epoch: role.epoch,
      leader: this.#leader(),
      offsets: this.offsets,
      damage: damage(),
      members: replicated.members,
      consul: { ...consul(), session: replicated.session },
      label: label(),
    };
  }

  get offsets(): { first: number; commit: number; end: number } {
    const { log, replicated } = this.#parts;
    return { first: log.first, commit: replicated.commit, end: log.end };
  }

  redirect(): ReturnType<LoggerService['redirect']> {
    const { role } = this.#parts.replicated;
    return role.kind === 'leader' ? { leading: true } : { leading: false, leader: role.leader };
  }

  append(records: readonly RecordInput[], producer: ProducerStamp | null): Promise<AppendResult> {
    const { appends } = this.#parts;
    return this.#asLeader(() => appends.append(records, producer));
  }

  appendRefusal(): AppendRefusal | null {
    return this.#parts.appends.refusal;
  }

  appendBatch(batch: OfferedBatch): Promise<AppendResult> {
    const { appends } = this.#parts;
    return this.#asLeader(() => appends.appendBatch(batch));
  }

  async #asLeader(append: () => Promise<AppendResult>): Promise<AppendResult> {
    const { replicated } = this.#parts;
    try {
      if (replicated.role.kind === 'leader') return await append();
    } catch (error) {
      // Refused before it was stored, because leadership was handed over: what the successor is asked for is no repeat.
      if (!(error instanceof LoggerError && error.code === 'not-leader')) throw error;
    }
    await this.leaderKnown();
    const { role } = replicated;
    if (role.kind === 'leader') return append();
    throw new LoggerError(role.leader ? 'not-leader' : 'no-leader');
  }

  requireCurrentCommit(): void {
    if (!this.#parts.replicated.commitHasBeenCurrent)
      throw new LoggerError('not-ready', 'no leader has told this logger its commit since it started');
  }

  async read(offset: number, limits: { maxRecords: number; maxBytes: number }): Promise<ReadResult> {
    const { log, replicated } = this.#parts;
    const commit = replicated.commit;
    if (offset > commit) this.requireCurrentCommit();
    const { first } = log;
    if (offset < first)
      throw new LoggerError('offset-gone', `the log begins at offset ${first}`, { extra: { first, commit } });
    if (offset > commit)
      throw new LoggerError('offset-out-of-range', `the log is committed up to offset ${commit}`, {
        extra: { first, commit },
      });
    if (offset === commit) return { records: [], commit, next: offset };
    const span = { maxBytes: limits.maxBytes, below: commit };
    const batches = log.readRecent(offset, span) ?? (await log.read(offset, span));
    const records: LogRecord[] = [];
    for (const record of recordsOf(batches, offset, commit)) {
      if (records.length === limits.maxRecords) break;
      records.push(record);
      if (loopShare.spent()) await loopShare.turn();
    }
    this.#parts.onRead(records.length);
    return { records, commit, next: offset + records.length };
  }

  async offsetAt(timestampMs: number): Promise<number> {
    const { log, replicated } = this.#parts;
    const { commit } = replicated;
    const offset = await log.offsetAt(timestampMs);
    if (offset >= commit) this.requireCurrentCommit();
    return Math.min(offset, commit);
  }

  leaderKnown(): Promise<void> {
    return this.#parts.leaderWait.leaderKnown();
  }

  leaderAbove(epoch: number, signal: AbortSignal): Promise<void> {
    return this.#parts.leaderWait.leaderAbove(epoch, signal);
  }

  waitForCommit(offset: number, signal: AbortSignal): Promise<boolean> {
    return this.#parts.waiters.wait(offset, signal);
  }

  producer(id: bigint): ProducerState | null {
    return this.#parts.log.producer(id);
  }

  async transfer(to: string | null): Promise<{ epoch: number; to: string }> {
    const { replicated, registerReadable, consul } = this.#parts;
    // The target could not take over.
    if (replicated.role.kind === 'leader' && !registerReadable())
      throw new LoggerError('transfer-impossible', consul().error ?? undefined);
    return replicated.transfer(to);
  }

  confirmLeadership(): Promise<void> {
    return this.#parts.replicated.confirmLeadership();
  }

  membership(): ReturnType<LoggerService['membership']> {
    const { operator, replicated } = this.#parts;
    return { wanted: operator.wanted, members: replicated.members };
  }

  setWantedMembers(ids: readonly string[] | null): void {
    this.#parts.operator.setWantedMembers(ids);
  }

  rebuildRegister(): void {
    this.#parts.operator.rebuildRegister();
  }

  stats(since: number): Stats {
    return this.#parts.recent.since(since);
  }

  history(): Promise<readonly LeadershipEpoch[]> {
    return this.#parts.history.epochs();
  }

  /** Liveness is that the event loop turns, which answering proves; never that Consul is up. */
  live(): { ok: boolean; reason: string } {
    return { ok: true, reason: 'the event loop turns' };
  }

  /** Readiness is that reads are served and this logger takes part, never that it leads. */
  ready(): { ok: boolean; reason: string } {
    if (this.#stopping) return { ok: false, reason: 'shutting down' };
    if (!this.#parts.replicated.commitHasBeenCurrent)
      return { ok: false, reason: 'no leader has been heard since the start' };
    return { ok: true, reason: 'serving reads and taking part' };
  }

  #leader(): LeaderAddress | null {
    const { replicated, id } = this.#parts;
    if (replicated.role.kind === 'follower') return replicated.role.leader;
    return { id, api: this.#parts.replicated.ownApi };
  }
}
