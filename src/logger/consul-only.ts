// Leadership by Consul's lock alone, each logger with the log on its own disk: the stage before replication. Whoever takes
// the free register leads in the next epoch; a lost session or another holder ends it.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger as PinoLogger } from 'pino';
import type { AppendResult, LeaderAddress, MemberStatus } from '../api/index.ts';
import type { Register, RegisterSnapshot, RegisterValue, Session, Sessions } from '../election/index.ts';
import { LoggerError, messageOf } from '../errors.ts';
import { type Log, type ProducerStamp, readHeader, stampBatch } from '../log/index.ts';
import type { ReplicatedLog, Role } from './replicated-log.ts';

export interface ConsulOnlyOptions {
  readonly self: { readonly id: string; readonly api: string; readonly peer: string };
  readonly log: Log;
  readonly register: Register;
  readonly sessions: Sessions;
  readonly out: PinoLogger;
  readonly onElection: (result: 'won' | 'lost' | 'unknown', seconds: number) => void;
}

const RETRY_MS = 1000;
const DRAIN_MS = 2000;

export class ConsulOnlyLog implements ReplicatedLog {
  readonly #options: ConsulOnlyOptions;
  readonly #watching = new AbortController();
  readonly #roleHandlers: ((role: Role, reason: string) => void)[] = [];
  readonly #commitHandlers: ((commit: number) => void)[] = [];
  #role: Role = { kind: 'follower', epoch: 0, leader: null };
  #commit: number;
  #seen: RegisterSnapshot | null = null;
  #held: { session: Session; snapshot: RegisterSnapshot; incarnation: string } | null = null;
  #campaigning = false;
  #inFlight = 0;

  constructor(options: ConsulOnlyOptions) {
    this.#options = options;
    this.#commit = options.log.end;
  }

  start(onReachable: (reachable: boolean, cause?: Error) => void): void {
    const onChange = (snapshot: RegisterSnapshot): void => this.#observe(snapshot);
    this.#options.register.watch({ onChange, onReachable }, this.#watching.signal);
  }

  get role(): Role {
    return this.#role;
  }
  get commit(): number {
    return this.#commit;
  }
  get session(): string | null {
    return this.#held?.session.id ?? null;
  }
  get ownApi(): string {
    return this.#options.self.api;
  }
  get members(): readonly MemberStatus[] {
    const { log, self } = this.#options;
    return [
      {
        id: self.id,
        uid: log.uid,
        peer: self.peer,
        role: this.#role.kind,
        connected: true,
        end: log.end,
        lag: 0,
      },
    ];
  }

  onRole(handler: (role: Role, reason: string) => void): void {
    this.#roleHandlers.push(handler);
    handler(this.#role, 'started');
  }
  onCommit(handler: (commit: number) => void): void {
    this.#commitHandlers.push(handler);
    handler(this.#commit);
  }

  async propose(batch: Buffer, count: number, producer: ProducerStamp | null): Promise<AppendResult> {
    const { log } = this.#options;
    const role = this.#role;
    if (role.kind !== 'leader') throw new LoggerError('not-leader', undefined, { retryAfterSeconds: 1 });
    if (producer) {
      const verdict = log.judge(producer, count, readHeader(batch, 0).crc);
      if (verdict.kind === 'refused') throw new LoggerError(verdict.code);
      if (verdict.kind === 'repeat') {
        await this.#synced();
        return { offset: verdict.offset, count: verdict.count, epoch: verdict.epoch };
      }
    }
    const offset = log.end;
    stampBatch(batch, offset, role.epoch);
    log.append([batch]);
    await this.#synced();
    if (this.#role !== role) throw new LoggerError('outcome-unknown', undefined, { retryAfterSeconds: 1 });
    return { offset, count, epoch: role.epoch };
  }

  async #synced(): Promise<void> {
    this.#inFlight += 1;
    try {
      const { end, generation } = await this.#options.log.sync();
      if (generation !== this.#options.log.generation || end <= this.#commit) return;
      this.#commit = end;
      this.#options.log.noteCommit(end);
      for (const handler of this.#commitHandlers) handler(end);
    } finally {
      this.#inFlight -= 1;
    }
  }

  async transfer(): Promise<{ epoch: number; to: string }> {
    throw new LoggerError('transfer-impossible', 'no other logger holds this log yet');
  }

  async confirmLeadership(): Promise<void> {
    if (this.#role.kind !== 'leader') throw new LoggerError('not-leader');
  }

  async stop(): Promise<void> {
    this.#watching.abort();
    const held = this.#held;
    this.#follow(null, 'shutdown');
    for (const end = performance.now() + DRAIN_MS; this.#inFlight > 0 && performance.now() < end; )
      await sleep(5);
    if (held) await held.session.destroy();
  }

  #setRole(role: Role, reason: string): void {
    this.#role = role;
    for (const handler of this.#roleHandlers) handler(role, reason);
  }

  #follow(leader: LeaderAddress | null, reason: string): void {
    this.#held = null;
    this.#setRole(
      { kind: 'follower', epoch: Math.max(this.#role.epoch, this.#seen?.value?.epoch ?? 0), leader },
      reason,
    );
  }

  #observe(snapshot: RegisterSnapshot): void {
    this.#seen = snapshot;
    const mine = this.#held !== null && snapshot.value?.leader.incarnation === this.#held.incarnation;
    if (mine && snapshot.session === this.#held?.session.id) return;
    const leader = snapshot.session && snapshot.value ? snapshot.value.leader : null;
    if (this.#held || this.#role.epoch !== snapshot.value?.epoch || !sameLeader(this.#role, leader))
      this.#follow(leader && { id: leader.id, api: leader.api }, mine ? 'session-lost' : 'superseded');
    if (snapshot.session === null) void this.#campaign(snapshot);
  }

  async #campaign(seen: RegisterSnapshot): Promise<void> {
    if (this.#campaigning || this.#watching.signal.aborted) return;
    this.#campaigning = true;
    const startedMs = performance.now();
    try {
      const session = await this.#options.sessions.open();
      const won = await this.#take(seen, session, startedMs);
      if (!won) await session.destroy();
    } catch (error) {
      this.#options.out.warn(`cannot stand for election: ${messageOf(error)}`);
    } finally {
      this.#campaigning = false;
    }
    if (!this.#held) await this.#again();
  }

  async #again(): Promise<void> {
    await sleep(RETRY_MS, undefined, { signal: this.#watching.signal }).catch(() => undefined);
    if (this.#seen?.session === null) void this.#campaign(this.#seen);
  }

  async #take(seen: RegisterSnapshot, session: Session, startedMs: number): Promise<boolean> {
    const { self, register, log, onElection } = this.#options;
    const incarnation = randomUUID();
    const epoch = Math.max(seen.value?.epoch ?? 0, log.position.epoch) + 1;
    const members = [{ id: self.id, uid: log.uid, peer: self.peer }];
    const value: RegisterValue = {
      epoch,
      leader: { ...self, incarnation },
      members,
      revision: (seen.value?.revision ?? 0) + 1,
    };
    const outcome = await register.take(seen, value, session.id);
    const seconds = (): number => (performance.now() - startedMs) / 1000;
    if (outcome.kind !== 'done') {
      onElection(outcome.kind === 'refused' ? 'lost' : 'unknown', seconds());
      return false;
    }
    this.#held = { session, snapshot: outcome.snapshot, incarnation };
    void session.ended.then((how) => {
      if (this.#held?.session === session) this.#follow(null, `session-${how}`);
    });
    await log.sync();
    await log.addPair({ epoch, start: log.end });
    if (this.#held?.session !== session) return false;
    onElection('won', seconds());
    this.#setRole({ kind: 'leader', epoch }, 'elected');
    return true;
  }
}

const sameLeader = (role: Role, leader: LeaderAddress | null): boolean =>
  role.kind === 'follower' && role.leader?.id === leader?.id && role.leader?.api === leader?.api;
