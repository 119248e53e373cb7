// Clients of the simulated cluster: they find the leader by trying, send batches, and repeat what failed. An idempotent
// producer repeats the same batch until it is acknowledged, and begins a new epoch now and then; a plain one gives up on an
// unknown outcome. Readers compare the bytes that any logger serves.
import { LoggerError } from '../../src/errors.ts';
import { contentCrc } from '../../src/log/batch.ts';
import { encodeBatch } from '../../src/log/encode.ts';
import type { ProducerStamp } from '../../src/log/types.ts';
import type { Checker } from './checker.ts';
import type { Machine } from './machine.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

const PATIENCE_MS = 2000;
const READ_MAX_BYTES = 8000;

export class Client {
  readonly #world: World;
  readonly #machines: () => readonly Machine[];
  readonly #checker: Checker;
  readonly #name: string;
  readonly #producer: bigint | null;
  readonly #onViolation: (error: Error) => void;
  #epoch = 0;
  #sequence = 0;
  #sent = 0;
  #target: Machine | null = null;
  acknowledged = 0;
  /** Wait between batches. */
  paceMs: number;

  constructor(
    world: World,
    machines: () => readonly Machine[],
    checker: Checker,
    name: string,
    options: { producer: bigint | null; paceMs: number; onViolation: (error: Error) => void },
  ) {
    this.#world = world;
    this.#machines = machines;
    this.#checker = checker;
    this.#name = name;
    this.#producer = options.producer;
    this.paceMs = options.paceMs;
    this.#onViolation = options.onViolation;
  }

  async run(): Promise<void> {
    for (;;) {
      await this.#world.sleep(this.#world.random.skewed(this.paceMs / 4, this.paceMs * 2), null);
      const { random } = this.#world;
      const draw = random.next();
      if (draw < 0.1) await this.#confirmedRead();
      else if (draw < 0.2) await this.#read(random.pick(this.#machines()), null);
      else await this.#append();
    }
  }

  async #append(): Promise<void> {
    this.#sent += 1;
    if (this.#world.random.chance(0.02)) this.#beginEpoch();
    const count = this.#world.random.whole(1, 3);
    const size = sizeOf(this.#world.random);
    const name = `${this.#name}:${this.#sent}`;
    const floor = this.#checker.ackedEnd;
    const producer =
      this.#producer === null ? null : { id: this.#producer, epoch: this.#epoch, sequence: this.#sequence };
    for (;;) {
      const batch = this.#encode(name, count, size, producer);
      const crc = contentCrc(batch);
      const answer = await this.#send(batch, count, producer);
      if (answer instanceof Error) {
        if (this.#producer === null && isUnknown(answer)) return;
        this.#target = null;
        await this.#world.sleep(this.#world.random.skewed(5, 50), null);
        continue;
      }
      this.#sequence += count;
      this.acknowledged += 1;
      this.#guard(() => this.#checker.acknowledged({ ...answer, crc, floor, name }));
      return;
    }
  }

  #beginEpoch(): void {
    this.#epoch += 1;
    this.#sequence = 0;
  }

  #encode(name: string, count: number, size: number, producer: ProducerStamp | null): Buffer {
    const records = Array.from({ length: count }, (_, index) => ({
      value: Buffer.from(`${name}.${index}`.padEnd(size, '.')),
    }));
    return encodeBatch(records, { timestampMs: Math.floor(this.#world.now), producer });
  }

  #pick(): Machine | null {
    const running = this.#machines().filter(({ driver, process }) => driver && !process?.paused);
    if (running.length === 0) return null;
    if (this.#target && running.includes(this.#target)) return this.#target;
    const leaders = running.filter(({ isLeader }) => isLeader);
    // Mostly where a leader is, now and then anywhere, also to a leader that is none any more.
    return this.#world.random.chance(0.9) && leaders.length > 0
      ? this.#world.random.pick(leaders)
      : this.#world.random.pick(running);
  }

  /** One request over a network that may lose it or its answer. */
  async #send(
    batch: Buffer,
    count: number,
    producer: ProducerStamp | null,
  ): Promise<{ offset: number; count: number } | Error> {
    const machine = this.#pick();
    if (!machine?.driver) return new LoggerError('no-leader');
    this.#target = machine;
    const world = this.#world;
    return new Promise((resolve) => {
      const give = (answer: { offset: number; count: number } | Error): void =>
        world.after(0.2, null, () => resolve(answer));
      world.after(PATIENCE_MS, null, () => resolve(new LoggerError('outcome-unknown')));
      world.after(0.2 + world.random.next(), machine.process, () => {
        const sent = machine.append(batch, count, producer);
        sent?.then(give, give);
      });
    });
  }

  /** A linearizable read: what was acknowledged before is there. */
  async #confirmedRead(): Promise<void> {
    const machine = this.#pick();
    const { driver } = machine ?? {};
    if (!machine || !driver) return;
    const floor = this.#checker.ackedEnd;
    const done = await this.#inTime(driver.confirmLeadership().then(() => true));
    if (!done) return;
    this.#guard(() => this.#checker.linearized(machine.id, driver.commit, floor));
    if (machine.driver === driver && floor > 0) await this.#read(machine, floor - 1);
  }

  /** Reads from a logger, leader or not, and wherever it likes when `offset` is null. */
  async #read(machine: Machine, offset: number | null): Promise<void> {
    const { driver, log, uid } = machine;
    if (!driver || !log || driver.commit <= log.first) return;
    const { commit: below } = driver;
    const from = offset ?? this.#world.random.whole(log.first, below - 1);
    const buffers = await this.#inTime(log.read(from, { maxBytes: READ_MAX_BYTES, below }));
    // A disk with a flipped bit may refuse what it had, and so does a log that dropped it meanwhile.
    if (!buffers) return;
    this.#guard(() => this.#checker.served(`${machine.id}/${uid.slice(0, 4)}`, from, buffers));
  }

  /** Null when it fails, or takes too long: whoever should answer may be dead. */
  #inTime<T>(answer: Promise<T>): Promise<T | null> {
    return Promise.race([answer.catch(() => null), this.#world.sleep(PATIENCE_MS, null).then(() => null)]);
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#onViolation(error as Error);
    }
  }
}

const isUnknown = (error: Error): boolean => error instanceof LoggerError && error.kind.outcome === 'unknown';

/** Of one record: mostly small, now and then more than memory holds of the newest, or more than a segment. */
export function sizeOf(random: Random): number {
  if (random.chance(0.7)) return 0;
  if (random.chance(0.7)) return random.whole(20, 500);
  return random.chance(0.8) ? random.whole(500, 2500) : random.whole(2500, 6000);
}
