// When a follower is told the commit: with the batches that follow, or by a message of its own soon after the last of them; and
// whether a record waits for others that may come in the same turn of the loop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBatch, type Log, stampBatch } from '../../../src/log/index.ts';
import { Streams } from '../../../src/logger/driver/streams.ts';
import type { Message } from '../../../src/replica/index.ts';
import type { Transport } from '../../../src/replication/types.ts';

/** A leader of epoch 1 with a log in memory, and a clock that the test moves. */
class Bench {
  readonly sent: string[] = [];
  readonly streams: Streams;
  commit = 0;
  #nowMs = 1000;
  #timers: { atMs: number; run: () => void }[] = [];
  readonly #batches: Buffer[] = [];

  constructor() {
    const bench = this;
    const log = {
      first: 0,
      pairs: [{ epoch: 1, start: 0 }],
      get end() {
        return bench.#batches.length;
      },
      readRecent: (from: number) => bench.#batches.slice(from),
    } as unknown as Log;
    const transport = {
      send: (link: number, message: Message) => this.#note(link, message),
    } as unknown as Transport;
    const clock = {
      now: () => this.#nowMs,
      wall: () => this.#nowMs,
      soon: (run: () => void) => run(),
      after: (ms: number, run: () => void) => {
        const timer = { atMs: this.#nowMs + ms, run };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((one) => one !== timer);
        };
      },
    };
    this.streams = new Streams(log, transport, clock, {
      event: ({ type }) => assert.fail(type),
      note: (text) => assert.fail(text),
      commit: () => this.commit,
    });
  }

  get timers(): number {
    return this.#timers.length;
  }

  #note(link: number, message: Message): void {
    if (message.type === 'batches' || message.type === 'commit')
      this.sent.push(`${message.type} to ${link}, commit ${message.commit}`);
  }

  open(link: number, stream = 1): void {
    const end = this.#batches.length;
    this.streams.carryOut({
      type: 'stream',
      link,
      epoch: 1,
      stream,
      position: { epoch: 1, end },
      until: null,
    });
  }

  append(count = 1): void {
    for (let made = 0; made < count; made += 1) {
      const batch = encodeBatch([{ value: Buffer.from('m') }], { timestampMs: 0, producer: null });
      stampBatch(batch, this.#batches.length, 1);
      this.#batches.push(batch);
    }
    this.streams.pump();
  }

  /** The follower has all, and the leader commits it. */
  acked(link: number, stream = 1): void {
    const end = this.#batches.length;
    this.streams.acked({ type: 'stream-acked', link, stream, end });
    this.commit = end;
    this.streams.pump();
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { run } of due) run();
  }

  /** What was sent since the last call. */
  get news(): string[] {
    return this.sent.splice(0);
  }
}

/** As in src/logger/driver/stream.ts. */
const COMMIT_WAIT_MS = 5;

test('the commit goes with the batch that follows soon, and by itself where none does', () => {
  const bench = new Bench();
  bench.open(7);
  assert.deepEqual(bench.news, ['commit to 7, commit 0']);
  bench.append();
  bench.pass(1);
  bench.acked(7);
  assert.deepEqual(bench.news, ['batches to 7, commit 0']);
  bench.append();
  bench.pass(10);
  assert.deepEqual(bench.news, ['batches to 7, commit 1']);
  bench.acked(7);
  assert.deepEqual(bench.news, ['commit to 7, commit 2'], 'at once: nothing was sent lately');
  bench.append();
  bench.acked(7);
  assert.deepEqual(bench.news, ['batches to 7, commit 2']);
  bench.pass(COMMIT_WAIT_MS - 1);
  assert.deepEqual(bench.news, [], 'a batch may come yet');
  bench.pass(1);
  assert.deepEqual(bench.news, ['commit to 7, commit 3']);
  bench.pass(100);
  assert.deepEqual([bench.news, bench.timers], [[], 0], 'told once');
});

test('a follower is told though another still has batches under way, and though its stream was begun anew', () => {
  const bench = new Bench();
  bench.open(7);
  bench.open(8);
  bench.append();
  bench.acked(7);
  bench.open(7, 2);
  bench.pass(COMMIT_WAIT_MS);
  assert.deepEqual(bench.news.slice(2), [
    'batches to 7, commit 0',
    'batches to 8, commit 0',
    'commit to 7, commit 1',
  ]);
  bench.acked(8);
  bench.pass(COMMIT_WAIT_MS);
  assert.deepEqual(bench.news, ['commit to 8, commit 1']);
});

test('nobody is told after the end of the streams', () => {
  const bench = new Bench();
  bench.open(7);
  bench.append();
  bench.acked(7);
  assert.equal(bench.timers, 1);
  bench.streams.stop();
  assert.equal(bench.timers, 0);
  bench.streams.pump();
  bench.pass(100);
  assert.deepEqual(bench.news.slice(1), ['batches to 7, commit 0']);
});

test('a record waits for no company while one follows the other, and does while several come together', () => {
  const bench = new Bench();
  const { streams } = bench;
  bench.open(7);
  bench.open(8);
  assert.equal(streams.waitForNone, true);
  bench.append();
  bench.acked(7);
  assert.equal(streams.waitForNone, false, 'one is under way to a follower');
  bench.acked(8);
  assert.equal(streams.waitForNone, true);
  bench.append(3);
  bench.acked(7);
  bench.acked(8);
  assert.equal(streams.waitForNone, false, 'the last ones came together, and so may the next');
  bench.append();
  bench.acked(7);
  bench.acked(8);
  assert.equal(streams.waitForNone, true);
});
