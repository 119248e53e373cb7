// A whole simulated cluster: machines, network, Consul, clients and the checker, on one seed.

import { contentCrc, encodeBatch } from '../../src/log/index.ts';
import type { Rules, Timings } from '../../src/replica/index.ts';
import { Checker, Violation } from './checker.ts';
import { Client, sizeOf } from './client.ts';
import { SimulatedConsul } from './consul.ts';
import { Machine, type Storage } from './machine.ts';
import { Network } from './network.ts';
import type { LogFlaws } from './watched-log.ts';
import { World } from './world.ts';

export interface ClusterOptions {
  readonly seed: number;
  readonly machines: number;
  readonly clients: number;
  readonly storage: (world: World, id: string) => Storage;
  /** How much longer than usual troubles may last. */
  readonly stretch?: number;
  /** One machine's time of day may be wrong; retention goes by age. */
  readonly clocks?: boolean;
  /** How much rarer than usual clients ask. */
  readonly quiet?: number;
  readonly timings?: Partial<Timings> | undefined;
  readonly rules?: Rules | undefined;
  readonly flaws?: LogFlaws | undefined;
  readonly trace?: ((line: string) => void) | undefined;
}

const RESTART_AFTER_FAULT_MS = 500;
const DRIFT_MAX = 0.01;
/** For what was read and is a moment old. */
const CLOCK_SLACK_MS = 500;
/** Retention by age, where clocks are wrong. */
export const KEPT_MS = 3000;

export class Cluster {
  readonly world: World;
  readonly network: Network;
  readonly consul: SimulatedConsul;
  readonly checker: Checker;
  readonly machines: Machine[];
  readonly clients: Client[] = [];
  readonly #options: ClusterOptions;
  readonly stretch: number;
  clocks = false;
  /** The one whose clock leaps, once one does: what was heard of it stays believed for a while. */
  wrongClock: Machine | null = null;
  /** Consul lost its register or got an old one back. */
  forgotten = false;
  #bursts = 0;
  #violation: Error | null = null;
  /** Failures that were put in on purpose: the process may end of them. */
  readonly excused = new Set<Machine>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.stretch = options.stretch ?? 1;
    this.world = new World(options.seed);
    this.network = new Network(this.world);
    this.consul = new SimulatedConsul(this.world);
    this.checker = new Checker(() => this.machines);
    this.consul.onChange = (value) => {
      const former = this.checker.register;
      this.checker.register = value;
      if (this.forgotten && value && former?.epoch !== value.epoch) this.checker.rebuiltEpoch = value.epoch;
      if (value)
        this.trace(
          `register: epoch ${value.epoch} ${value.leader.id}, members ${value.members.map(({ id, uid }) => `${id}/${uid.slice(0, 4)}`).join(' ')}`,
        );
      this.#guard(() => this.checker.checkMajority('a change of the register'));
    };
    const ids = Array.from({ length: options.machines }, (_, index) => `logger-${index}`);
    this.machines = ids.map((id) => this.#machine(id, ids));
    if (options.clocks) this.loosenClocks();
    for (let index = 0; index < options.clients; index += 1) this.#client(index);
  }

  #machine(id: string, bootstrap: readonly string[]): Machine {
    const { world, network, consul, checker } = this;
    const { rules, flaws } = this.#options;
    return new Machine({
      id,
      world,
      network,
      consul,
      checker,
      bootstrap,
      rules,
      flaws,
      storage: this.#options.storage(world, id),
      timings: this.#options.timings ?? {},
      onViolation: (error) => this.violated(error),
      onFatal: (machine, error) => this.#fatal(machine, error),
      onReplaced: (machine) => this.start(machine),
      trace: (line) => this.trace(line),
    });
  }

  /** From now on clocks drift, one may leap, and the checker looks at times. */
  loosenClocks(): void {
    const { world, checker } = this;
    this.clocks = true;
    for (const machine of this.machines) machine.drift = 1 + DRIFT_MAX * (2 * world.random.next() - 1);
    checker.latestMs = () => world.now * (1 + DRIFT_MAX) + CLOCK_SLACK_MS;
    checker.keptMs = KEPT_MS;
  }

  #client(index: number): void {
    const { world, checker } = this;
    const client = new Client(world, () => this.machines, checker, `client-${index}`, {
      producer: index % 2 === 0 ? BigInt(index + 1) : null,
      paceMs: world.random.whole(5, 60) * (this.#options.quiet ?? 1),
      onViolation: (error) => this.violated(error),
    });
    this.clients.push(client);
    client.run().catch((error: Error) => this.violated(error));
  }

  trace(line: string): void {
    this.#options.trace?.(`${this.world.now.toFixed(1).padStart(9)} ${line}`);
  }

  violated(error: Error): void {
    this.#violation ??= error;
  }

  #fatal(machine: Machine, error: Error): void {
    this.trace(`${machine.id} failed: ${error.message}`);
    if (!this.excused.has(machine) && !machine.storage.full) {
      this.violated(
        error instanceof Violation ? error : new Violation(`${machine.id} failed: ${error.stack}`),
      );
      return;
    }
    // The machine lives on, and its page cache with what a failed sync did not store.
    machine.crash(false, false);
    this.world.after(RESTART_AFTER_FAULT_MS, null, () => this.start(machine));
  }

  start(machine: Machine): void {
    machine.start().catch((error: Error) => {
      if (error instanceof Violation || !(this.excused.has(machine) || machine.storage.full))
        this.violated(error);
      else this.#fatal(machine, error);
    });
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.violated(error as Error);
    }
  }

  /** A plain batch of one record. */
  batch(value: string): Buffer {
    return encodeBatch([{ value: Buffer.from(value) }], {
      timestampMs: Math.floor(this.world.now),
      producer: null,
    });
  }

  /** Sends so many plain batches at once, of any size if asked; whoever is told that one is committed checks it. */
  burst(machine: Machine, count: number, anySize = false): void {
    for (let index = 0; index < count; index += 1) {
      this.#bursts += 1;
      const name = `burst-${this.#bursts}`;
      const batch = this.batch(name.padEnd(anySize ? sizeOf(this.world.random) : 0, '.'));
      const crc = contentCrc(batch);
      const floor = this.checker.ackedEnd;
      machine.append(batch, 1, null)?.then(
        (answer) => this.#guard(() => this.checker.acknowledged({ ...answer, crc, floor, name })),
        () => undefined,
      );
    }
  }

  checked(check: () => void): void {
    this.#guard(check);
  }

  /** Throws the first violation, if there was one. */
  check(): void {
    if (this.#violation) throw this.#violation;
  }

  /** Runs until `done` or for so long; true when done. */
  async runUntil(done: () => boolean, withinMs: number): Promise<boolean> {
    const endMs = this.world.now + withinMs;
    while (this.world.now < endMs) {
      if (done()) return true;
      if (!(await this.world.step())) return false;
      this.check();
    }
    return done();
  }

  runFor(ms: number): Promise<boolean> {
    return this.runUntil(() => false, ms);
  }
}
