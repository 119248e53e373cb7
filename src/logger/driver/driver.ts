// Carries out the effects of the replication core against the real world, and brings its events. It decides nothing: all
// rules are in src/replica. What it adds is motion: one event after another, bytes to the followers, appends that wait.
import type { AppendResult, MemberStatus } from '../../api/types.ts';
import { LoggerError } from '../../errors.ts';
import type { ProducerStamp } from '../../log/types.ts';
import {
  ALL_RULES,
  DEFAULT_TIMINGS,
  type Effect,
  type Event,
  type Message,
  Replica,
} from '../../replica/index.ts';
import type { ReplicatedLog, Role } from '../replicated-log.ts';
import { ConsulRunner } from './consul-runner.ts';
import { commitIsCurrent } from './current-commit.ts';
import { ElectionWatch } from './election-watch.ts';
import { LogRunner, viewOf } from './log-runner.ts';
import { LogTime } from './log-time.ts';
import { MemberWatch } from './member-watch.ts';
import { CALM_TICK_MS, CALM_TICK_SOONEST_MS, type DriverOptions, TICK_MS } from './outside.ts';
import { Proposals } from './proposals.ts';
import { Requests } from './requests.ts';
import { differenceFrom } from './shared-batch.ts';
import { memberStatus } from './status.ts';
import { Streams } from './streams.ts';

export class ReplicationDriver implements ReplicatedLog {
  readonly #options: DriverOptions;
  readonly #replica: Replica;
  readonly #log: LogRunner;
  readonly #time: LogTime;
  readonly #consul: ConsulRunner;
  readonly #proposals: Proposals;
  readonly #requests: Requests;
  readonly #streams: Streams;
  readonly #roleHandlers: ((role: Role, reason: string) => void)[] = [];
  readonly #commitHandlers: ((commit: number) => void)[] = [];
  readonly #members: MemberWatch;
  readonly #election: ElectionWatch;
  readonly #watching = new AbortController();
  readonly #queue: Event[] = [];
  /** Base URL of each logger's API by its id, as last told: one for each id that ever was a member. */
  readonly #apis = new Map<string, string>();
  #running = false;
  #commitHasBeenCurrent = false;
  #stopped = false;
  #pumpSoon = false;
  #ticksCalmly = false;
  #tickedMs = 0;
  #cancelTick: () => void = () => undefined;
  #cancelWake: () => void = () => undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(options: DriverOptions) {
    const { log, state, clock } = options;
    this.#options = options;
    this.#apis.set(options.self.id, options.api);
    const config = {
      self: options.self,
      api: options.api,
      bootstrap: options.bootstrap.map(({ id }) => id),
      timings: { ...DEFAULT_TIMINGS, ...options.timings },
      rules: options.rules ?? ALL_RULES,
      newIncarnation: options.newUuid,
    };
    const initial = { log: viewOf(log), commit: log.storedCommit, durable: state.value };
    this.#replica = new Replica(config, initial, clock.now());
    const event = (one: Event): void => this.#dispatch(one);
    const failed = (error: Error): void => this.#fail(error);
    this.#election = new ElectionWatch(this.#replica.state, clock.now, (steps) => options.onElected?.(steps));
    this.#members = new MemberWatch(this.#replica.state, options.onMembers);
    const note = (text: string): void => options.onNote?.(text);
    this.#log = new LogRunner(log, state, clock, { event, failed });
    this.#consul = new ConsulRunner(options.register, options.sessions, event, note);
    this.#time = new LogTime({
      self: options.self.uid,
      members: () => (this.state.leading?.members ?? this.state.membersSeen).map(({ uid }) => uid),
      now: clock.now,
      wall: clock.wall,
      lastTimestampMs: () => log.lastTimestampMs,
      note,
    });
    this.#proposals = new Proposals(log, (end) => {
      this.#dispatch({ type: 'appended', end });
      if (this.#streams.waitForNone) this.#streams.pump();
      else this.#pumpAllSoon();
    });
    this.#requests = new Requests(event);
    this.#streams = new Streams(log, options.transport, clock, { event, note, commit: () => this.commit });
  }

  start(): void {
    const { transport, register } = this.#options;
    transport.start({
      connected: (link, peer, api) => {
        if (api !== undefined) this.#apis.set(peer.id, api);
        this.#dispatch({ type: 'connected', link, peer });
      },
      disconnected: (link) => this.#dispatch({ type: 'disconnected', link }),
      message: (link, message) => this.#message(link, message),
      clock: (uid, wallMs, agoMs) => this.#time.heard(uid, wallMs, agoMs),
      beat: (uid, beat) => {
        this.#dispatch({ type: 'beat', uid, beat });
        if (this.#ticksCalmly && this.#options.clock.now() - this.#tickedMs >= CALM_TICK_SOONEST_MS)
          this.#tick();
      },
    });
    transport.setBeat(this.#replica.state.beat);
    this.#setPeers(this.#replica.state.membersSeen);
    const onChange = (snapshot: Extract<Event, { type: 'register' }>['snapshot']): void =>
      this.#dispatch({ type: 'register', snapshot, token: null });
    const onReachable = (reachable: boolean, cause?: Error): void =>
      this.#options.onReachable?.(reachable, cause);
    register.watch({ onChange, onReachable }, this.#watching.signal);
    this.#tick();
  }

  get role(): Role {
    const { role } = this.#replica.state;
    if (role.kind === 'leading') return { kind: 'leader', epoch: role.epoch };
    return { kind: 'follower', epoch: role.epoch, leader: role.kind === 'following' ? role.leader : null };
  }
  get commit(): number {
    return this.#replica.state.commit;
  }
  get commitHasBeenCurrent(): boolean {
    return this.#commitHasBeenCurrent;
  }
  get session(): string | null {
    return this.#replica.state.leading?.session ?? null;
  }
  get ownApi(): string {
    return this.#options.api;
  }
  get members(): readonly MemberStatus[] {
    return memberStatus(this.#replica.state, this.#apis);
  }
  get time(): Pick<LogTime, 'now' | 'clockAheadMs' | 'logAheadMs'> {
    return this.#time;
  }
  /** The core's state, for metrics and tests. Not to be changed. */
  get state(): Replica['state'] {
    return this.#replica.state;
  }

  onRole(handler: (role: Role, reason: string) => void): void {
    this.#roleHandlers.push(handler);
    handler(this.role, 'started');
  }
  onCommit(handler: (commit: number) => void): void {
    this.#commitHandlers.push(handler);
    handler(this.commit);
  }

  propose(batch: Buffer, count: number, producer: ProducerStamp | null): Promise<AppendResult> {
    if (this.#stopped) return Promise.reject(new LoggerError('shutting-down'));
    return this.#proposals.propose(batch, count, producer);
  }

  async transfer(to: string | null): Promise<{ epoch: number; to: string }> {
    if (this.role.kind !== 'leader') throw new LoggerError('not-leader');
    return this.#requests.transfer(to);
  }

  /** Resolves with a commit below which lies everything that was acknowledged before the call (linearizable reads). */
  async confirmLeadership(): Promise<void> {
    if (this.role.kind !== 'leader') throw new LoggerError('not-leader');
    await this.#requests.confirm();
  }

  /** Ids that should be members; the leader moves the register there, one member at a time. Null: all configured. */
  setWantedMembers(ids: readonly string[] | null): void {
    this.#dispatch({ type: 'want-members', ids });
  }

  /** The operator's word that a lost register may be rebuilt from the members that answer now. */
  rebuildRegister(): void {
    this.#dispatch({ type: 'rebuild-register' });
  }

  /** Drops old segments as the leader; the followers do the same when they hear of it. */
  async retain(policy: { maxBytes: number; maxAgeMs: number }): Promise<void> {
    if (this.role.kind !== 'leader') return;
    const nowMs = this.#time.certainMs();
    const first = await this.#options.log.retain({ ...policy, nowMs, commit: this.commit });
    this.#dispatch({ type: 'log-trimmed', first });
    this.#pumpAllSoon();
  }

  #message(link: number, message: Message): void {
    this.#dispatch({ type: 'message', link, message });
    if (message.type !== 'commit' || !message.shared) return;
    void differenceFrom(this.#options.log, this.#replica.state, message.stream, message.shared).then(
      (text) => {
        if (text !== null) this.#fail(new Error(`log-mismatch: ${text}`));
      },
    );
  }

  /** Hands leadership over where that is possible, then leads and runs no more. The log stays open. */
  async stop({ handover = true }: { handover?: boolean } = {}): Promise<void> {
    if (this.#stopped) return;
    if (handover && this.role.kind === 'leader') {
      await this.transfer(null).then(
        () => this.#untilNotLeading(),
        () => undefined,
      );
    }
    this.#dispatch({ type: 'retire' });
    this.#end();
    await Promise.all(this.#consul.sessions.map((session) => this.#consul.destroySession(session.id)));
    await this.#options.transport.close();
  }

  #untilNotLeading(): Promise<void> {
    const { clock } = this.#options;
    const { transferMs } = this.#replica.state.config.timings;
    return new Promise((resolve) => {
      const cancel = clock.after(transferMs, resolve);
      this.#roleHandlers.push((role) => {
        if (role.kind === 'leader') return;
        cancel();
        resolve();
      });
    });
  }

  #end(): void {
    this.#stopped = true;
    this.#watching.abort();
    this.#cancelTick();
    this.#cancelWake();
    this.#streams.stop();
    this.#proposals.lost();
    this.#requests.lost();
  }

  #fail(error: Error): void {
    if (this.#stopped) return;
    this.#end();
    this.#options.onFatal(error);
  }

  /** One event at a time: what its effects bring about at once waits for its turn. */
  #dispatch(event: Event): void {
    if (this.#stopped) return;
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next && !this.#stopped; next = this.#queue.shift()) {
        this.#options.transport.stepped();
        this.#election.event(next);
        const effects = this.#replica.step(next, this.#options.clock.now());
        this.#commitHasBeenCurrent ||= commitIsCurrent(this.#replica.state);
        this.#carryOut(effects);
        this.#members.look();
      }
      if (this.#ticksCalmly && !this.#replica.calm && !this.#stopped) this.#tickLater();
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#running = false;
    }
  }

  #carryOut(effects: readonly Effect[]): void {
    let appending = true;
    for (const effect of effects) {
      if (effect.type === 'append') appending = appending && this.#log.append(effect);
      else this.#run(effect);
    }
  }

  #run(effect: Exclude<Effect, { type: 'append' }>): void {
    const { transport } = this.#options;
    switch (effect.type) {
      case 'send':
        transport.send(effect.link, effect.message);
        break;
      case 'sync':
        this.#log.sync();
        break;
      case 'commit':
        this.#committed(effect.commit);
        break;
      case 'stream-acked':
        this.#streams.acked(effect);
        this.#pumpAllSoon();
        break;
      case 'cut':
      case 'add-pair':
      case 'reset':
        this.#log.change(effect);
        break;
      case 'trim':
        this.#log.trim(effect.first);
        break;
      case 'store-state':
        this.#log.store(effect.token, effect.state);
        break;
      case 'beat':
        transport.setBeat(effect.beat);
        break;
      case 'peers':
        this.#setPeers(effect.members);
        break;
      case 'stream':
      case 'stream-stop':
      case 'stream-restart':
        this.#streams.carryOut(effect);
        break;
      default:
        this.#runRare(effect);
    }
  }

  #runRare(effect: RareEffect): void {
    this.#election.effect(effect);
    switch (effect.type) {
      case 'open-session':
        this.#consul.openSession();
        break;
      case 'destroy-session':
        void this.#consul.destroySession(effect.session);
        break;
      case 'read-register':
        this.#consul.read(effect.token);
        break;
      case 'take-register':
      case 'update-register':
        this.#consul.write(effect);
        break;
      case 'role':
        this.#roleChanged(effect);
        break;
      case 'hold':
        this.#proposals.hold(effect.held || this.#replica.state.leading === null);
        break;
      case 'transfer-started':
      case 'transfer-refused':
      case 'confirmed':
        this.#requests.settle(effect);
        break;
      case 'wake':
        this.#wake(effect.atMs);
        break;
      case 'note':
        this.#options.onNote?.(effect.text);
        break;
      case 'fault':
        this.#fail(new Error(`${effect.fault}: ${effect.text}`));
    }
  }

  #roleChanged({ role, reason }: Extract<Effect, { type: 'role' }>): void {
    if (role.kind === 'leading') this.#proposals.leading(role.epoch, this.commit);
    else this.#proposals.lost();
    if (role.kind !== 'leading') this.#requests.lost();
    for (const handler of this.#roleHandlers) handler(this.role, reason ?? role.kind);
  }

  #committed(commit: number): void {
    this.#options.log.noteCommit(commit);
    this.#proposals.committed(commit);
    for (const handler of this.#commitHandlers) handler(commit);
    if (this.#streams.size > 0) this.#pumpAllSoon();
  }

  /** Once per turn of the loop: what was appended in it goes out in one message per follower, or all but the first record. */
  #pumpAllSoon(): void {
    if (this.#pumpSoon) return;
    this.#pumpSoon = true;
    this.#options.clock.soon(() => {
      this.#pumpSoon = false;
      this.#streams.pump();
    });
  }

  #setPeers(members: readonly { id: string; peer: string }[]): void {
    const { bootstrap, transport } = this.#options;
    const known = members.map(({ peer }) => peer);
    transport.setPeers([...members, ...bootstrap.filter(({ peer }) => !known.includes(peer))]);
  }

  #tick(): void {
    if (this.#stopped) return;
    this.#tickedMs = this.#options.clock.now();
    this.#dispatch({ type: 'tick' });
    if (!this.#stopped) this.#tickLater();
  }

  #tickLater(): void {
    this.#cancelTick();
    this.#ticksCalmly = this.#replica.calm;
    const ms = this.#ticksCalmly ? CALM_TICK_MS : TICK_MS;
    this.#cancelTick = this.#options.clock.after(ms, () => this.#tick());
  }

  #wake(atMs: number): void {
    if (atMs >= this.#wakeAtMs) return;
    this.#cancelWake();
    this.#wakeAtMs = atMs;
    this.#cancelWake = this.#options.clock.after(Math.max(0, atMs - this.#options.clock.now()), () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#dispatch({ type: 'tick' });
    });
  }
}

type RareEffect = Extract<
  Effect,
  {
    type:
      | 'open-session'
      | 'destroy-session'
      | 'read-register'
      | 'take-register'
      | 'update-register'
      | 'role'
      | 'hold'
      | 'transfer-started'
      | 'transfer-refused'
      | 'confirmed'
      | 'wake'
      | 'note'
      | 'fault';
  }
>;
