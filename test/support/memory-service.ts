// A logger in memory, for tests of its HTTP API: offsets without holes, commits that the test may hold back, producers judged
// by the rules of the real log, leadership that the test moves. Nothing is made up: what it answers, it stored.
import type {
  AppendRefusal,
  AppendResult,
  LeaderAddress,
  LeadershipEpoch,
  LoggerService,
  OfferedBatch,
  ReadResult,
  Stats,
  StatsSample,
  Status,
} from '../../src/api/index.ts';
import { type ErrorCode, LoggerError } from '../../src/errors.ts';
import { recordsOf, stampBatch, stampTime } from '../../src/log/index.ts';
import type { LogRecord, ProducerStamp, ProducerState, RecordInput } from '../../src/log/types.ts';

interface Waiter {
  readonly offset: number;
  readonly done: (committed: boolean) => void;
}

interface Batch {
  readonly sequence: number;
  readonly offset: number;
  readonly content: string;
  readonly count: number;
}

export class MemoryService implements LoggerService {
  readonly id = 'logger-0';
  epoch = 1;
  /** False: the test commits by hand. */
  commitsAtOnce = true;
  /** False: as after a restart, before a leader has been heard. */
  commitIsCurrent = true;
  /** Thrown by the next append, before it stores anything. */
  refusal: LoggerError | Error | null = null;
  /** Why appends are refused before they are looked at. */
  full: AppendRefusal | null = null;
  readiness = { ok: true, reason: 'serving reads and taking part' };
  liveness = { ok: true, reason: 'the event loop turns' };
  confirmations = 0;
  transfers: (string | null)[] = [];
  wanted: readonly string[] | null = null;
  rebuilds = 0;
  samples: StatsSample[] = [];
  epochs: LeadershipEpoch[] = [];
  #role: 'leader' | 'follower' = 'leader';
  #leader: LeaderAddress | null = null;
  #first = 0;
  #commit = 0;
  #records: LogRecord[] = [];
  #waiters = new Set<Waiter>();
  #pending = new Set<(error: LoggerError) => void>();
  #producers = new Map<bigint, ProducerState & { readonly batches: Batch[] }>();

  lead(): void {
    this.epoch += 1;
    this.#role = 'leader';
  }

  /** Stops leading: appends not committed end as unknown, as they do in a logger. */
  follow(leader: LeaderAddress | null): void {
    this.#role = 'follower';
    this.#leader = leader;
    for (const fail of this.#pending) fail(new LoggerError('outcome-unknown'));
  }

  /** Commits what is appended, up to `offset`. */
  commitTo(offset = this.offsets.end): void {
    this.#commit = Math.max(this.#commit, Math.min(offset, this.offsets.end));
    for (const waiter of this.#waiters) if (this.#commit > waiter.offset) waiter.done(true);
  }

  /** Retention: records below `first` are gone. */
  retainFrom(first: number): void {
    this.#records = this.#records.slice(first - this.#first);
    this.#first = first;
  }

  /** Stores values as if a producer had sent them one by one. */
  fill(...values: (string | Buffer)[]): void {
    this.#store(values.map((value) => ({ value: Buffer.from(value) })));
    this.commitTo();
  }

  get values(): string[] {
    return this.#records.map(({ value }) => value.toString());
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  get offsets(): { first: number; commit: number; end: number } {
    return { first: this.#first, commit: this.#commit, end: this.#first + this.#records.length };
  }

  /** A logger waits for a takeover; here the test moves leadership, and has when it asks. */
  async leaderKnown(): Promise<void> {}

  readonly leaderWaits: { readonly above: number; readonly wake: () => void }[] = [];

  leaderAbove(above: number, signal: AbortSignal): Promise<void> {
    return new Promise((wake) => {
      this.leaderWaits.push({ above, wake });
      signal.addEventListener('abort', () => wake(), { once: true });
    });
  }

  redirect(): ReturnType<LoggerService['redirect']> {
    return this.#role === 'leader' ? { leading: true } : { leading: false, leader: this.#leader };
  }

  appendRefusal(): AppendRefusal | null {
    return this.full;
  }

  async append(records: readonly RecordInput[], stamp: ProducerStamp | null): Promise<AppendResult> {
    const { refusal } = this;
    this.refusal = null;
    if (refusal !== null) throw refusal;
    this.#requireLeadership();
    const repeat = stamp === null ? null : this.#judge(stamp, records);
    const offset = repeat?.offset ?? this.#store(records);
    if (stamp !== null && repeat === null) this.#remember(stamp, offset, records);
    const last = offset + records.length - 1;
    if (this.commitsAtOnce) this.commitTo();
    await Promise.race([this.waitForCommit(last, new AbortController().signal), this.#lost()]);
    return { offset, count: records.length, epoch: this.epoch };
  }

  requireCurrentCommit(): void {
    if (!this.commitIsCurrent) throw new LoggerError('not-ready');
  }

  appendBatch({ bytes, producer }: OfferedBatch): Promise<AppendResult> {
    stampBatch(bytes, 0, this.epoch);
    stampTime(bytes, 0);
    return this.append([...recordsOf([bytes])], producer);
  }

  async read(offset: number, limits: { maxRecords: number; maxBytes: number }): Promise<ReadResult> {
    const { first, commit } = this.offsets;
    const extra = { first, commit };
    if (offset < first) throw new LoggerError('offset-gone', undefined, { extra });
    if (offset > commit) throw new LoggerError('offset-out-of-range', undefined, { extra });
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const record of this.#records.slice(offset - first, commit - first)) {
      if (records.length === limits.maxRecords || (records.length > 0 && bytes >= limits.maxBytes)) break;
      records.push(record);
      bytes += record.value.length;
    }
    return { records, commit, next: offset + records.length };
  }

  async offsetAt(timestampMs: number): Promise<number> {
    const { first, commit } = this.offsets;
    const found = this.#records.findIndex((record) => record.timestampMs >= timestampMs);
    return found === -1 ? commit : Math.min(first + found, commit);
  }

  waitForCommit(offset: number, signal: AbortSignal): Promise<boolean> {
    if (this.#commit > offset) return Promise.resolve(true);
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const leave = (): void => waiter.done(false);
      const waiter: Waiter = {
        offset,
        done: (committed) => {
          this.#waiters.delete(waiter);
          signal.removeEventListener('abort', leave);
          resolve(committed);
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  producer(id: bigint): ProducerState | null {
    return this.#producers.get(id) ?? null;
  }

  async transfer(to: string | null): Promise<{ epoch: number; to: string }> {
    this.#requireLeadership();
    if (to === this.id) throw new LoggerError('transfer-impossible', `${to} leads already`);
    this.transfers.push(to);
    return { epoch: this.epoch + 1, to: to ?? 'logger-1' };
  }

  async confirmLeadership(): Promise<void> {
    this.#requireLeadership();
    this.confirmations += 1;
  }

  membership(): ReturnType<LoggerService['membership']> {
    return { wanted: this.wanted, members: this.status().members };
  }

  setWantedMembers(ids: readonly string[] | null): void {
    const { refusal } = this;
    this.refusal = null;
    if (refusal !== null) throw refusal;
    this.wanted = ids;
  }

  rebuildRegister(): void {
    const { leading, ...state } = this.redirect();
    if (leading || ('leader' in state && state.leader)) throw new LoggerError('leader-present');
    this.rebuilds += 1;
  }

  stats(since: number): Stats {
    const samples = this.samples.filter(({ time }) => time > since);
    return { intervalMs: 2000, maxSamples: 300, samples };
  }

  async history(): Promise<readonly LeadershipEpoch[]> {
    return this.epochs;
  }

  live(): { ok: boolean; reason: string } {
    return this.liveness;
  }

  ready(): { ok: boolean; reason: string } {
    return this.readiness;
  }

  status(): Status {
    const leading = this.#role === 'leader';
    const peer = '127.0.0.1:9090';
    return {
      id: this.id,
      cluster: 'test',
      version: '0.0.0',
      role: this.#role,
      epoch: this.epoch,
      leader: leading ? { id: this.id, api: 'http://127.0.0.1:8080' } : this.#leader,
      offsets: this.offsets,
      damage: null,
      members: [
        {
          id: this.id,
          uid: 'u',
          peer,
          api: 'http://127.0.0.1:8080',
          role: this.#role,
          connected: true,
          end: this.offsets.end,
          lag: 0,
        },
      ],
      consul: { reachable: true, address: 'http://127.0.0.1:8500', session: null, error: null },
      label: { enabled: false, wanted: this.#role, observed: null, inSync: true, error: null },
    };
  }

  #requireLeadership(): void {
    if (this.#role === 'follower') throw new LoggerError('not-leader');
  }

  #lost(): Promise<never> {
    return new Promise((_resolve, reject) => this.#pending.add(reject));
  }

  #store(records: readonly RecordInput[]): number {
    const offset = this.offsets.end;
    for (const [index, { key, value }] of records.entries())
      this.#records.push({
        offset: offset + index,
        timestampMs: 1_700_000_000_000 + offset + index,
        epoch: this.epoch,
        key: key == null ? null : Buffer.from(key),
        value: Buffer.from(value),
        headers: [],
      });
    return offset;
  }

  /** Null when the batch is the next one, the original when it is a repeat. */
  #judge(stamp: ProducerStamp, records: readonly RecordInput[]): Batch | null {
    const known = this.#producers.get(stamp.id);
    const refuse = (code: ErrorCode): LoggerError => new LoggerError(code);
    if (known !== undefined && stamp.epoch < known.epoch) throw refuse('producer-fenced');
    const isNewEpoch = known === undefined || stamp.epoch > known.epoch;
    const next = isNewEpoch ? 0 : known.lastSequence + 1;
    if (isNewEpoch && stamp.after !== undefined) {
      const { after } = stamp;
      const isLast = after?.epoch === known?.epoch && after?.lastSequence === known?.lastSequence;
      if (!isLast) throw refuse('producer-moved');
    }
    if (stamp.sequence === next) return null;
    const original = isNewEpoch
      ? undefined
      : known.batches.find(({ sequence }) => sequence === stamp.sequence);
    if (original === undefined) throw refuse('sequence-gap');
    if (original.content !== contentOf(records)) throw refuse('sequence-conflict');
    return original;
  }

  #remember({ id, epoch, sequence }: ProducerStamp, offset: number, records: readonly RecordInput[]): void {
    const known = this.#producers.get(id);
    const batches = known?.epoch === epoch ? known.batches : [];
    batches.push({ sequence, offset, content: contentOf(records), count: records.length });
    const lastSequence = sequence + records.length - 1;
    this.#producers.set(id, { id, epoch, lastSequence, lastOffset: offset + records.length - 1, batches });
  }
}

const contentOf = (records: readonly RecordInput[]): string =>
  records.map(({ value }) => Buffer.from(value).toString('base64')).join(' ');
