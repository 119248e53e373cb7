// One machine of the cluster: a disk that stays, and the logger process on it, which comes and goes. The process is the
// product's own driver, core and log; only what is around them is simulated.
import type { AppendResult } from '../../src/api/types.ts';
import { stampTime } from '../../src/log/index.ts';
import type { Log, ProducerStamp, StateFile } from '../../src/log/types.ts';
import { ReplicationDriver } from '../../src/logger/driver/index.ts';
import type { Rules, Timings } from '../../src/replica/index.ts';
import type { Survival } from '../support/memory-disk.ts';
import type { Batch, Checker, Holder } from './checker.ts';
import { Violation } from './checker.ts';
import type { SimulatedConsul } from './consul.ts';
import { type Network, SimulatedTransport } from './network.ts';
import { type LogFlaws, readAll, WatchedLog } from './watched-log.ts';
import type { Owner, World } from './world.ts';

export interface Storage {
  open(owner: Owner, onFatal: (error: Error) => void): Promise<{ log: Log; state: StateFile }>;
  /** The process died; with the power gone too, what was not synced may be lost. */
  crash(power: boolean): void;
  /** The next sync of a path that ends so fails, which ends the process; null: none does. */
  failSync: string | null;
  /** What a loss of power leaves of what was not synced; null: as chance has it. */
  keeps: Survival['keeps'] | null;
  /** Flips a bit of what is stored. */
  damage(): void;
  /** Flips a bit of the last batch but one, which the recovery mark may not know yet. */
  spoilTail(): void;
  /** The volume is replaced by an empty one. */
  wipe(): void;
  full: boolean;
  /** Added to every sync of records, and to every change of pairs or of the state. */
  slow: { recordsMs: number; pairsMs: number; stateMs: number };
}

export interface MachineOptions {
  readonly id: string;
  readonly world: World;
  readonly network: Network;
  readonly consul: SimulatedConsul;
  readonly checker: Checker;
  readonly storage: Storage;
  readonly bootstrap: readonly string[];
  readonly timings: Partial<Timings>;
  readonly rules?: Rules | undefined;
  readonly flaws?: LogFlaws | undefined;
  readonly onViolation: (error: Error) => void;
  readonly onFatal: (machine: Machine, error: Error) => void;
  /** Its disk was replaced: it is to be started again. */
  readonly onReplaced: (machine: Machine) => void;
  readonly trace: (line: string) => void;
}

export const peerOf = (id: string): string => `${id}:9090`;

class Process implements Owner {
  alive = true;
  paused: (() => void)[] | null = null;
}

export class Machine implements Holder {
  readonly id: string;
  readonly storage: Storage;
  readonly #options: MachineOptions;
  process: Process | null = null;
  driver: ReplicationDriver | null = null;
  transport: SimulatedTransport | null = null;
  log: WatchedLog | null = null;
  uid = '';
  wanted: readonly string[] | null = null;
  /** Its uid, from the moment its log spoiled until it is certain of it. */
  #spoiled: string | null = null;
  /** What the disk surely holds while no process runs; null when the disk was damaged on purpose. */
  #left: { batches: Batch[]; first: number; end: number } | null = null;
  /** Clock rate of the machine. */
  drift = 1;
  /** By how much its time of day is wrong. */
  clockAheadMs = 0;
  #stampedMs = 0;

  constructor(options: MachineOptions) {
    this.id = options.id;
    this.storage = options.storage;
    this.#options = options;
  }

  get held(): readonly Batch[] {
    return this.log ? this.log.shadow : (this.#left?.batches ?? []);
  }
  get heldFirst(): number {
    return this.log ? this.log.first : (this.#left?.first ?? 0);
  }
  get heldEnd(): number {
    return this.log ? Math.min(this.log.syncedEnd, this.log.shadowEnd) : (this.#left?.end ?? 0);
  }
  get isLeader(): boolean {
    return this.driver?.role.kind === 'leader';
  }

  async start(): Promise<void> {
    if (this.process) return;
    const { world, checker, storage } = this.#options;
    const process = new Process();
    this.process = process;
    this.#stampedMs = 0;
    const onFatal = (error: Error): void => this.#options.onFatal(this, error);
    const { log, state } = await storage.open(process, onFatal);
    const shadow = await this.#readAll(log, process);
    if (!shadow) return;
    if (!process.alive) return;
    this.#checkRecovery(log, shadow);
    const watched = new WatchedLog(log, shadow, this.#options.flaws);
    this.log = watched;
    this.uid = log.uid;
    this.#left = null;
    checker.cut(this.uid);
    watched.onDropped = (batches) => this.#guard(() => checker.dropped(this.id, batches));
    watched.onShrunk = () => this.#guard(() => checker.cut(this.uid));
    this.#run(process, watched, state, world);
    checker.checkMajority(`start of ${this.id}`);
  }

  /** Damage in an old segment shows when it is read; the disk is then replaced, as an operator would. */
  async #readAll(log: Log, process: Process): Promise<Batch[] | null> {
    try {
      return await readAll(log);
    } catch (error) {
      if (!process.alive) return null;
      if (!this.#options.checker.lost.has(log.uid)) throw error;
      this.wipe();
      this.#options.world.after(1, null, () => this.#options.onReplaced(this));
      return null;
    }
  }

  #checkRecovery(log: Log, shadow: readonly Batch[]): void {
    const left = this.#left;
    if (!left || this.uid !== log.uid) return;
    if (log.end < left.end)
      throw new Violation(`${this.id} had ${left.end} on disk and came back with ${log.end}`);
    const crcs = new Map(shadow.map((batch) => [batch.base, batch.headerCrc]));
    for (const { base, end, headerCrc } of left.batches)
      if (end <= left.end && base >= log.first && crcs.get(base) !== headerCrc)
        throw new Violation(`${this.id} came back with another batch at ${base}`);
  }

  #run(process: Process, log: WatchedLog, state: StateFile, world: World): void {
    const { id, network, consul, checker, timings } = this.#options;
    const self = { id, uid: log.uid, peer: peerOf(id) };
    const wall = (): number => world.now * this.drift + this.clockAheadMs;
    const transport = new SimulatedTransport(network, self, process, timings.heartbeatMs ?? 50, wall);
    this.transport = transport;
    const driver = new ReplicationDriver({
      self,
      api: `http://${id}`,
      bootstrap: this.#options.bootstrap.map((other) => ({ id: other, peer: peerOf(other) })),
      log,
      state,
      register: consul.register(id, process),
      sessions: consul.sessions(id, process),
      transport,
      clock: {
        now: () => world.now * this.drift,
        wall,
        soon: queueMicrotask,
        after: (ms, run) => {
          let on = true;
          world.after(ms / this.drift, process, () => on && run());
          return () => {
            on = false;
          };
        },
      },
      newUuid: () => world.random.uuid(),
      timings,
      onNote: (text) => this.#options.trace(`${id}: ${text}`),
      onFatal: (error) => this.#options.onFatal(this, error),
      ...(this.#options.rules ? { rules: this.#options.rules } : {}),
    });
    this.driver = driver;
    driver.onCommit(() => {
      if (this.#spoiled !== log.uid || driver.state.uncertain) return;
      checker.lost.delete(log.uid);
      this.#spoiled = null;
    });
    driver.onCommit((commit) =>
      this.#guard(() => checker.committed({ id, process }, log, commit, driver.state.leading?.claim ?? null)),
    );
    driver.onRole((role, reason) => this.#options.trace(`${id} ${role.kind} ${role.epoch} (${reason})`));
    driver.setWantedMembers(this.wanted);
    driver.start();
  }

  /** A violation must end the run, not be taken for a failure of the driver that reported the event. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#options.onViolation(error as Error);
    }
  }

  /** What a leader does with a batch: it sets the time. */
  append(batch: Buffer, count: number, producer: ProducerStamp | null): Promise<AppendResult> | undefined {
    const { driver, log } = this;
    if (!driver || !log) return undefined;
    // Who does not lead is not asked for the time: it may have heard no majority yet.
    if (this.isLeader) this.#stampedMs = Math.max(driver.time.now(), log.lastTimestampMs, this.#stampedMs);
    stampTime(batch, this.#stampedMs);
    return driver.propose(batch, count, producer);
  }

  want(ids: readonly string[] | null): void {
    this.wanted = ids;
    this.driver?.setWantedMembers(ids);
  }

  crash(silently: boolean, power = true): void {
    const { process } = this;
    if (!process) return;
    if (this.log) this.#left = { batches: this.log.shadow, first: this.log.first, end: this.heldEnd };
    process.alive = false;
    if (this.transport) this.#options.network.died(this.transport, silently);
    this.process = null;
    this.driver = null;
    this.transport = null;
    this.log = null;
    this.storage.crash(power);
    this.#options.trace(`${this.id} crashed`);
  }

  /** The disk is lost. What it had acknowledged a moment ago may still be counted, unless nothing was under way. */
  wipe(quietly = false): void {
    if (!quietly) this.#options.checker.lost.add(this.uid);
    this.crash(false);
    this.storage.wipe();
    this.#left = null;
    this.uid = '';
    this.#options.trace(`${this.id} wiped`);
  }

  /** A bit flips while the process is down: repaired, or noticed and given up for a new identity; never believed. */
  damage(): void {
    this.#options.checker.lost.add(this.uid);
    this.crash(false);
    this.storage.damage();
    this.#options.trace(`${this.id} damaged`);
  }

  /**
   * Records that were acknowledged spoil while the process is down, beyond the recovery mark or below it. Its copy is lost until
   * it is certain of its log again. The power stays: a last batch that were torn as well would leave nothing to notice.
   */
  spoil(): void {
    this.#options.checker.lost.add(this.uid);
    this.#spoiled = this.uid;
    this.crash(false, false);
    this.storage.spoilTail();
    this.#left = null;
    this.#options.trace(`${this.id} spoiled`);
  }

  pause(): void {
    if (this.process && !this.process.paused) this.process.paused = [];
    this.#options.trace(`${this.id} paused`);
  }

  resume(): void {
    if (this.process?.paused) this.#options.world.resume(this.process);
  }
}
