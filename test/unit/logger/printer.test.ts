import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { encodeBatch, type Log, stampBatch } from '../../../src/log/index.ts';
import { Printer } from '../../../src/logger/printer.ts';
import type { Role } from '../../../src/logger/replicated-log.ts';

interface Line {
  readonly msg: string;
  readonly offset?: number;
  readonly event?: string;
  readonly from?: number;
  readonly to?: number;
  readonly records?: number;
}

/** A log of batches in memory, a commit and a clock that the test moves. */
class Bench {
  readonly lines: Line[] = [];
  readonly #batches: Buffer[] = [];
  #end = 0;
  commit = 0;
  nowMs = 0;
  #onRole: (role: Role, reason: string) => void = () => {};
  #onCommit: (commit: number) => void = () => {};
  #timers: { atMs: number; run: () => void }[] = [];
  printed = 0;
  /** What is read waits for it. */
  onDisk: PromiseWithResolvers<void> | null = null;

  constructor(linesPerSecond: number) {
    const log = {
      first: 0,
      readRecent: () => (this.onDisk ? null : this.#batches),
      read: async () => {
        await this.onDisk?.promise;
        return this.#batches;
      },
    } as unknown as Log;
    const bench = this;
    new Printer({
      log,
      replicated: {
        get commit() {
          return bench.commit;
        },
        onRole: (handler) => {
          this.#onRole = handler;
        },
        onCommit: (handler) => {
          this.#onCommit = handler;
        },
      },
      out: pino({}, { write: (line: string) => void this.lines.push(JSON.parse(line) as Line) }),
      linesPerSecond,
      now: () => this.nowMs,
      soon: (run) => run(),
      after: (ms, run) => void this.#timers.push({ atMs: this.nowMs + ms, run }),
      onPrinted: (count) => {
        this.printed += count;
      },
    });
  }

  lead(): void {
    this.#onRole({ kind: 'leader', epoch: 1 }, 'test');
  }
  follow(): void {
    this.#onRole({ kind: 'follower', epoch: 2, leader: null }, 'test');
  }

  /** Commits so many more records, one a batch. */
  async append(count: number): Promise<void> {
    for (let added = 0; added < count; added += 1) {
      const batch = encodeBatch([{ value: Buffer.from(`m${this.#end}`) }], {
        timestampMs: 0,
        producer: null,
      });
      stampBatch(batch, this.#end, 1);
      this.#batches.push(batch);
      this.#end += 1;
    }
    this.commit = this.#end;
    this.#onCommit(this.commit);
    await new Promise(setImmediate);
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
    for (const { run } of due) run();
    await new Promise(setImmediate);
  }

  get offsets(): (number | undefined)[] {
    return this.lines.map(({ offset }) => offset);
  }
}

test('a leader prints each record once it is committed', async () => {
  const bench = new Bench(0);
  await bench.append(2);
  bench.lead();
  await bench.append(3);
  assert.deepEqual(bench.offsets, [2, 3, 4]);
  assert.equal(bench.lines[0]?.msg, 'Received m2');
  bench.follow();
  await bench.append(1);
  assert.equal(bench.printed, 3);
});

test('lines that follow soon share a write, and a leader that steps down prints what it committed', async () => {
  const bench = new Bench(0);
  bench.lead();
  await bench.append(1);
  await bench.append(1);
  await bench.append(1);
  assert.deepEqual(bench.offsets, [0]);
  await bench.pass(10);
  assert.deepEqual(bench.offsets, [0, 1, 2]);
  await bench.append(1);
  bench.follow();
  await bench.append(1);
  await bench.pass(10);
  assert.deepEqual(bench.offsets, [0, 1, 2, 3]);
});

test('beyond the rate one line a second stands for the rest, and no offset is left out', async () => {
  const bench = new Bench(3);
  bench.lead();
  await bench.append(10);
  assert.deepEqual(bench.offsets, [0, 1, 2]);
  await bench.append(5);
  assert.equal(bench.lines.length, 3);
  await bench.pass(1000);
  const summary = bench.lines.at(-1);
  assert.deepEqual(
    [summary?.event, summary?.from, summary?.to, summary?.records],
    ['not-printed', 3, 14, 12],
  );
  await bench.append(2);
  assert.deepEqual(bench.offsets.slice(-2), [15, 16]);
});

test('a logger that has stopped leading sums up what it committed, and no more', async () => {
  const bench = new Bench(1);
  bench.lead();
  await bench.append(4);
  bench.follow();
  await bench.append(2);
  await bench.pass(1000);
  assert.deepEqual(
    bench.lines.map(({ offset, from, to }) => offset ?? [from, to]),
    [0, [1, 3]],
  );
});

test('a leader that steps down sums up at once: its process may end before the second does', async () => {
  const bench = new Bench(1);
  bench.lead();
  await bench.append(4);
  bench.follow();
  assert.deepEqual(
    bench.lines.map(({ offset, from, to }) => offset ?? [from, to]),
    [0, [1, 3]],
  );
  const before = new Bench(1);
  before.lead();
  await before.append(1);
  await before.append(3);
  before.follow();
  await new Promise(setImmediate);
  assert.deepEqual(
    before.lines.map(({ offset, from, to }) => offset ?? [from, to]),
    [0, [1, 3]],
  );
});

test('one that leads again before it has printed what it committed leaves none of that out', async () => {
  const summing = new Bench(1);
  summing.lead();
  await summing.append(4);
  summing.follow();
  await summing.append(2);
  summing.lead();
  await summing.append(1);
  await summing.pass(1000);
  assert.deepEqual(
    summing.lines.map(({ offset, from, to }) => offset ?? [from, to]),
    [0, [1, 3], [6, 6]],
  );
  const bench = new Bench(0);
  const disk = Promise.withResolvers<void>();
  bench.onDisk = disk;
  bench.lead();
  await bench.append(2);
  bench.follow();
  await bench.append(2);
  bench.lead();
  disk.resolve();
  await bench.append(1);
  await bench.pass(10);
  assert.deepEqual(bench.offsets, [0, 1, 2, 3, 4]);
});
