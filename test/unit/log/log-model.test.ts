// The log against a model that is too simple to be wrong: a list of batches and a list of pairs. Chance does what users
// and crashes do; after every step everything that can be seen of the log must be what the model says, and what a crash
// leaves must hold all that was synced. A failure prints the seed that replays it: SEED=… node --test <this file>.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';
import type { EpochPair, OpenedLog, ProducerStamp } from '../../../src/log/index.ts';
import { contentCrc, readHeader, recordsOf } from '../../../src/log/index.ts';
import { decodeProducers } from '../../../src/log/producer-snapshot.ts';
import { ProducerTable } from '../../../src/log/producers.ts';
import { assertBytes, nextBatch, openOn, PROMISE, readAll, settle } from '../../support/log-fixture.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { Random } from '../../support/random.ts';

const STEPS = 120;
const FIXED_SEEDS = 20;
const FRESH_SEEDS = 10;
const OPTIONS = { segmentSizeBytes: 3000, recentBytes: 2000 };
const PRODUCERS = 3;

interface Stored {
  readonly bytes: Buffer;
  readonly base: number;
  readonly end: number;
}

class Run {
  readonly random: Random;
  readonly disk = new MemoryDisk();
  opened!: OpenedLog;
  /** From offset 0 on, also those deleted: the producer table is a function of them all. */
  batches: Stored[] = [];
  pairs: EpochPair[] = [];
  /** After a reset batches begin here, on top of this table. */
  start = 0;
  table = new ProducerTable();
  first = 0;
  synced = 0;
  commit = 0;
  epoch = 0;
  promised = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  get log() {
    return this.opened.log;
  }
  get end(): number {
    return this.batches.at(-1)?.end ?? this.start;
  }

  async open(): Promise<void> {
    this.opened = await openOn(this.disk, OPTIONS);
  }

  #producer(): ProducerStamp | null {
    if (this.random.chance(0.3)) return null;
    const id = BigInt(this.random.below(PRODUCERS));
    const state = this.log.producer(id);
    if (!state || this.random.chance(0.05)) return { id, epoch: (state?.epoch ?? -1) + 1, sequence: 0 };
    return { id, epoch: state.epoch, sequence: state.lastSequence + 1 };
  }

  append(): void {
    if (this.epoch === 0) return;
    for (let count = this.random.below(6); count >= 0; count -= 1) {
      const values = Array.from({ length: 1 + this.random.below(3) }, () =>
        'v'.repeat(this.random.below(200)),
      );
      const timestampMs = this.log.lastTimestampMs + this.random.below(3);
      const bytes = nextBatch(this.log, { values, timestampMs, producer: this.#producer() });
      this.log.append([bytes]);
      this.batches.push({ bytes, base: this.end, end: this.end + values.length });
    }
  }

  async sync(): Promise<void> {
    const { end } = this;
    const synced = await this.log.sync();
    assert.deepEqual(synced, { end, generation: this.log.generation });
    this.synced = end;
  }

  commitSome(): void {
    const ends = this.batches.map(({ end }) => end).filter((end) => end >= this.commit && end <= this.synced);
    if (ends.length === 0) return;
    this.commit = this.random.pick(ends);
    this.log.noteCommit(this.commit);
  }

  async truncate(): Promise<void> {
    const places = [this.start, ...this.batches.map(({ end }) => end)];
    const end = this.random.pick(places.filter((place) => place >= Math.max(this.commit, this.first)));
    await this.log.truncate(end);
    this.#cutModel(end);
    this.synced = end;
  }

  #cutModel(end: number): void {
    this.batches = this.batches.filter((batch) => batch.end <= end);
    this.pairs = this.pairs.filter(({ start }) => start <= end);
  }

  async addPair(): Promise<void> {
    this.epoch += 1 + this.random.below(3);
    const pair = { epoch: this.epoch, start: this.end };
    if (this.promised < this.epoch) await this.promise(this.epoch);
    await this.log.addPair(pair);
    this.pairs.push(pair);
    this.synced = this.end;
  }

  async cutPairs(): Promise<void> {
    const least = this.pairs.findLast(({ start }) => start < this.end)?.epoch ?? 0;
    const above = least + this.random.below(3);
    await this.log.cutPairsAbove(above);
    this.pairs = this.pairs.filter((pair) => pair.epoch <= above || pair.start < this.end);
    this.epoch = this.pairs.at(-1)?.epoch ?? 0;
  }

  async deleteBelow(): Promise<void> {
    const first = this.first + this.random.below(this.commit - this.first + 1);
    if (this.random.chance(0.5)) await this.log.deleteBelow(first);
    else await this.log.retain({ maxBytes: 4000, maxAgeMs: 0, nowMs: 0, commit: this.commit });
    assert.ok(this.log.first >= this.first);
    assert.ok(this.log.first <= Math.max(this.commit, this.first));
    if (this.log.first > this.first) this.#trim(this.log.first);
  }

  #trim(first: number): void {
    const { pairs } = this;
    this.first = first;
    this.pairs = pairs.filter(
      ({ start }, at) => start >= first || (pairs[at + 1]?.start ?? Infinity) > first,
    );
  }

  /** Starts anew at its own end, as if a leader with the same log had said so. */
  async reset(): Promise<void> {
    const { end } = this;
    const producers = await this.log.producersAt(end);
    const pairs = this.pairs.filter(({ start }) => start <= end);
    await this.log.reset(end, pairs, producers);
    this.table = this.tableAt(end);
    Object.assign(this, { batches: [], start: end, first: end, synced: end, commit: end, pairs });
  }

  tableAt(end: number): ProducerTable {
    const table = this.table.copy();
    for (const { bytes, end: to } of this.batches)
      if (to <= end) table.apply(readHeader(bytes, 0), contentCrc(bytes));
    return table;
  }

  async promise(epoch = this.promised + 1): Promise<void> {
    this.promised = epoch;
    await this.opened.state.save({ ...PROMISE, promisedEpoch: epoch });
  }

  async reopen(): Promise<void> {
    await this.log.close();
    await this.open();
    this.synced = this.end;
  }

  /** The machine dies in the middle of something, at a moment that chance picks. */
  async crash(): Promise<void> {
    this.append();
    const syncing = this.random.chance(0.5);
    if (syncing) this.log.sync().then(undefined, () => {});
    for (let turns = this.random.below(30); turns > 0; turns -= 1) await null;
    if (this.log.generation === 0) this.synced = Math.max(this.synced, this.log.syncedEnd);
    const { end, synced } = this;
    const { uid } = this.log;
    const keeps = this.random.pick(['none', 'prefix', 'prefix', 'any', 'any'] as const);
    if (this.random.chance(0.3)) this.disk.kill();
    else this.disk.crash({ random: () => this.random.next(), keeps });
    await this.open();
    const { log, recovered } = this.opened;
    assert.equal(recovered.quarantine, null, recovered.quarantine?.reason);
    assert.equal(log.uid, uid);
    assert.ok(
      log.end >= synced && log.end <= end,
      `${log.end} is neither below ${end} nor from ${synced} on`,
    );
    this.#cutModel(log.end);
    assert.ok(log.storedCommit <= this.commit);
    this.commit = log.storedCommit;
    this.synced = log.end;
  }

  async check(): Promise<void> {
    const { log } = this;
    assert.deepEqual([log.first, log.end, log.syncedEnd <= log.end], [this.first, this.end, true]);
    assert.ok(log.syncedEnd >= this.synced);
    assert.deepEqual(log.pairs, this.pairs);
    assert.equal(this.opened.state.value.promisedEpoch, this.promised);
    const kept = this.batches.filter(({ base }) => base >= this.first);
    assertBytes(
      await readAll(log),
      kept.map(({ bytes }) => bytes),
    );
    const table = this.tableAt(this.end);
    for (let id = 0n; id < PRODUCERS; id += 1n) assert.deepEqual(log.producer(id), table.state(id));
    if (kept.length > 0) await this.#checkOnePlace(kept);
  }

  async #checkOnePlace(kept: readonly Stored[]): Promise<void> {
    const { log } = this;
    const batch = this.random.pick(kept);
    const offset = batch.base + this.random.below(batch.end - batch.base);
    const [read] = await log.read(offset, { maxBytes: 1, below: this.end });
    assertBytes(read as Buffer, batch.bytes);
    const snapshot = decodeProducers(await log.producersAt(batch.base));
    assert.deepEqual([...(snapshot?.table.entries() ?? [])], [...this.tableAt(batch.base).entries()]);
    const { maxTimestampMs } = readHeader(batch.bytes, 0);
    const all = [...recordsOf(kept.map(({ bytes }) => bytes))];
    const expected = all.find(({ timestampMs }) => timestampMs >= maxTimestampMs)?.offset;
    assert.equal(await log.offsetAt(maxTimestampMs), expected);
  }

  async step(): Promise<string> {
    const actions: [weight: number, name: string, act: () => Promise<void> | void][] = [
      [12, 'append', () => this.append()],
      [6, 'sync', () => this.sync()],
      [4, 'commit', () => this.commitSome()],
      [2, 'saveMark', () => this.log.saveMark()],
      [2, 'truncate', () => this.truncate()],
      [2, 'addPair', () => this.addPair()],
      [1, 'cutPairs', () => this.cutPairs()],
      [2, 'deleteBelow', () => this.deleteBelow()],
      [1, 'reset', () => this.reset()],
      [1, 'promise', () => this.promise()],
      [1, 'reopen', () => this.reopen()],
      [3, 'crash', () => this.crash()],
      [2, 'settle', () => settle()],
    ];
    let pick = this.random.below(actions.reduce((sum, [weight]) => sum + weight, 0));
    const [, name, act] = actions.find(([weight]) => {
      pick -= weight;
      return pick < 0;
    }) as (typeof actions)[0];
    await act();
    return name;
  }
}

async function run(seed: number): Promise<void> {
  const subject = new Run(seed);
  const trace: string[] = [];
  try {
    await subject.open();
    for (let step = 0; step < STEPS; step += 1) {
      trace.push(await subject.step());
      await subject.check();
    }
  } catch (error) {
    const replay = `SEED=${seed} node --test test/unit/log/log-model.test.ts`;
    throw new Error(`after ${trace.join(', ')}; replay with ${replay}`, { cause: error });
  }
}

const given = process.env.SEED;
const seeds = given
  ? [Number(given)]
  : Array.from({ length: FIXED_SEEDS + FRESH_SEEDS }, (_, at) =>
      at < FIXED_SEEDS ? at : randomInt(2 ** 32),
    );

for (const seed of seeds) test(`the log is its model, seed ${seed}`, () => run(seed));
