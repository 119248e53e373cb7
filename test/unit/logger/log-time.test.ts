// The time of records is what a majority of the members' clocks agree on, whatever single clocks do.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Appends } from '../../../src/logger/appends.ts';
import { realClock } from '../../../src/logger/clock.ts';
import { ReplicationDriver } from '../../../src/logger/driver/index.ts';
import { CATCH_UP_RATE, CLOCK_STALE_MS, LogTime } from '../../../src/logger/driver/log-time.ts';
import { lastingSessions, StandingRegister } from '../../fuzz/targets/peers/world.ts';
import { openOn } from '../../support/log-fixture.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { until } from '../../support/until.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const START_MS = 1_800_000_000_000;

/** Loggers with a clock each. The first is this one; its monotonic clock counts from 0. */
class Bench {
  readonly uids: readonly string[];
  /** By how much each clock is wrong. */
  readonly wrongMs: number[];
  readonly notes: string[] = [];
  nowMs = 0;
  /** By how much the machines stood still, which a monotonic clock does not see. */
  suspendedMs = 0;
  lastTimestampMs = START_MS - 30 * DAY;
  readonly time: LogTime;

  constructor(count: number) {
    this.uids = Array.from({ length: count }, (_, at) => `uid-${at}`);
    this.wrongMs = this.uids.map(() => 0);
    this.time = new LogTime({
      self: 'uid-0',
      members: () => this.uids,
      now: () => this.nowMs,
      wall: () => this.wall(0),
      lastTimestampMs: () => this.lastTimestampMs,
      note: (text) => void this.notes.push(text),
    });
  }

  get trueMs(): number {
    return START_MS + this.nowMs + this.suspendedMs;
  }

  wall(at: number): number {
    return this.trueMs + (this.wrongMs[at] ?? 0);
  }

  hear(...from: readonly number[]): void {
    for (const at of from) this.time.heard(`uid-${at}`, this.wall(at), 0);
  }

  /** So long the others named are heard each second. */
  pass(ms: number, ...from: readonly number[]): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs = Math.min(endMs, this.nowMs + SECOND);
      this.hear(...from);
    }
  }

  append(): number {
    this.lastTimestampMs = Math.max(this.time.now(), this.lastTimestampMs);
    return this.lastTimestampMs;
  }

  /** How far log time, and what is certain of it, are ahead of the true time. */
  get aheadMs(): { now: number; certain: number } {
    return { now: this.time.now() - this.trueMs, certain: this.time.certainMs() - this.trueMs };
  }
}

const RIGHT = { now: 0, certain: 0 };

describe('log time', () => {
  it('does not leap with the clock of the leader, and people are told of that', () => {
    const bench = new Bench(3);
    bench.pass(SECOND, 1, 2);
    for (const wrongMs of [8 * DAY, -8 * DAY]) {
      bench.wrongMs[0] = wrongMs;
      bench.pass(60 * SECOND, 1, 2);
      assert.deepEqual(bench.aheadMs, RIGHT);
      assert.equal(bench.time.clockAheadMs, wrongMs);
    }
    bench.wrongMs[0] = 0;
    bench.pass(SECOND, 1, 2);
    assert.deepEqual(bench.notes, [
      "This machine's clock is 691200 s ahead of the time that the members agree on",
      "This machine's clock agrees with the members' again",
    ]);
  });

  it('does not leap with the clock of another logger, nor when the third is away besides', () => {
    const bench = new Bench(3);
    bench.pass(SECOND, 1, 2);
    for (const wrongMs of [8 * DAY, -8 * DAY]) {
      bench.wrongMs[1] = wrongMs;
      bench.pass(60 * SECOND, 1, 2);
      assert.deepEqual(bench.aheadMs, RIGHT);
      bench.pass(60 * SECOND, 1);
      assert.equal(bench.aheadMs.now, 0);
      assert.ok(bench.aheadMs.certain <= 0, 'what is certain may be behind');
    }
  });

  it('begins, in a new process, with the earliest that a majority can mean', () => {
    for (const wrong of [0, 1]) {
      const bench = new Bench(3);
      bench.wrongMs[wrong] = 8 * DAY;
      bench.hear(1);
      assert.deepEqual(bench.aheadMs, RIGHT);
    }
    const behind = new Bench(3);
    behind.lastTimestampMs = START_MS - HOUR;
    behind.wrongMs[1] = -8 * DAY;
    behind.hear(1);
    assert.deepEqual(behind.aheadMs, { now: -HOUR, certain: -8 * DAY }, 'but not before what is in the log');
  });

  it('follows clocks that leap together by an hour a minute', () => {
    const bench = new Bench(3);
    bench.pass(SECOND, 1, 2);
    bench.wrongMs.fill(8 * DAY);
    bench.pass(12 * SECOND, 1, 2);
    const gainedMs = 12 * SECOND * CATCH_UP_RATE;
    assert.deepEqual(bench.aheadMs, { now: gainedMs, certain: gainedMs });
    bench.append();
    bench.wrongMs.fill(0);
    bench.pass(SECOND, 1, 2);
    assert.deepEqual(bench.aheadMs, RIGHT);
    assert.equal(bench.time.logAheadMs, gainedMs - SECOND);
    assert.equal(bench.append(), bench.trueMs + gainedMs - SECOND, 'the log does not go back');
    bench.pass(gainedMs, 1, 2);
    assert.equal(bench.append(), bench.trueMs, 'and goes on when that time has come');
    assert.equal(bench.time.logAheadMs, 0);
  });

  it('goes on from the log after clocks that fell back together are right again', () => {
    const bench = new Bench(3);
    bench.pass(SECOND, 1, 2);
    const lastMs = bench.append();
    bench.wrongMs.fill(-8 * DAY);
    bench.pass(12 * SECOND, 1, 2);
    assert.equal(bench.append(), lastMs, 'it stands meanwhile');
    bench.wrongMs.fill(0);
    bench.pass(SECOND, 1, 2);
    assert.deepEqual(bench.aheadMs, RIGHT);
  });

  it('gains no more than that when it was not looked at for long', () => {
    const bench = new Bench(1);
    bench.time.now();
    bench.nowMs = 9 * DAY;
    bench.wrongMs[0] = 8 * DAY;
    assert.equal(bench.aheadMs.now, CLOCK_STALE_MS * CATCH_UP_RATE);
  });

  it('catches up after all machines were suspended', () => {
    const bench = new Bench(3);
    bench.pass(SECOND, 1, 2);
    bench.suspendedMs = 10 * HOUR;
    bench.pass(5 * 60 * SECOND, 1, 2);
    assert.equal(bench.aheadMs.now, -5 * HOUR);
    bench.pass(5 * 60 * SECOND, 1, 2);
    assert.deepEqual(bench.aheadMs, RIGHT);
  });

  it('runs with the monotonic clock where nobody is heard, and no age is certain then', () => {
    const bench = new Bench(3);
    bench.pass(SECOND, 1, 2);
    bench.wrongMs[0] = 8 * DAY;
    bench.pass(HOUR);
    assert.deepEqual(bench.aheadMs, { now: 0, certain: Number.NEGATIVE_INFINITY });
  });

  it("is this machine's where the others are of a version that does not tell theirs", () => {
    const bench = new Bench(3);
    bench.pass(HOUR);
    assert.deepEqual(bench.aheadMs, { now: 0, certain: Number.NEGATIVE_INFINITY });
    assert.equal(bench.time.clockAheadMs, null);
  });

  it('is right beside a log that is ahead, which stands meanwhile', () => {
    const bench = new Bench(3);
    bench.lastTimestampMs = START_MS + 8 * DAY;
    bench.pass(HOUR, 1, 2);
    assert.deepEqual(bench.aheadMs, RIGHT);
    assert.equal(bench.append(), START_MS + 8 * DAY);
    assert.equal(bench.time.logAheadMs, 8 * DAY - HOUR);
  });

  it('takes a clock that was read a while ago for as much later now', () => {
    const bench = new Bench(3);
    bench.wrongMs[0] = 8 * DAY;
    bench.nowMs = 5 * SECOND;
    bench.time.heard('uid-1', bench.wall(1) - 3 * SECOND, 3 * SECOND);
    bench.time.heard('uid-2', bench.wall(2) - 2 * SECOND, 2 * SECOND);
    assert.deepEqual(bench.aheadMs, RIGHT);
  });
});

/** What happens between two appends: time passes, the clocks of some are set, and some are heard. */
const step = fc.record({
  // In less time than the least of these log time does not look at the clocks again.
  ms: fc.integer({ min: 10, max: 20 * SECOND }),
  setMs: fc.array(fc.integer({ min: -20 * DAY, max: 20 * DAY }), { maxLength: 7 }),
  heard: fc.uniqueArray(fc.integer({ min: 1, max: 6 })),
});
const story = fc.record({ count: fc.integer({ min: 1, max: 7 }), steps: fc.array(step, { maxLength: 60 }) });

describe('log time, whatever the clocks do', () => {
  it('is never ahead of the true time by a minority, and not behind it once all were heard', () => {
    const tell = fc.record({ story, known: fc.boolean() });
    fc.assert(
      fc.property(tell, ({ story: { count, steps }, known }) => {
        const bench = new Bench(count);
        const minority = count - (Math.floor(count / 2) + 1);
        if (known) bench.hear(...bench.uids.keys());
        for (const { ms, setMs, heard } of steps) {
          bench.nowMs += ms;
          for (const [at, wrongMs] of setMs.slice(0, minority).entries()) bench.wrongMs[at] = wrongMs;
          bench.hear(...heard.filter((at) => at < count));
          const { now, certain } = bench.aheadMs;
          assert.ok(certain <= 0, `certain is ${certain} ms ahead`);
          // Where no majority was ever heard, the own clock is all there is.
          if (bench.time.clockAheadMs === null) continue;
          assert.ok(now <= 0, `log time is ${now} ms ahead`);
          if (known) assert.ok(now >= -1, `log time is ${-now} ms behind`);
        }
      }),
    );
  });

  it('never goes back in the log, gains so much at most, and is no news that a majority calls future', () => {
    fc.assert(
      fc.property(story, ({ count, steps }) => {
        const bench = new Bench(count);
        const majority = Math.floor(count / 2) + 1;
        const said = new Map<number, { wallMs: number; nowMs: number }>();
        const hear = (from: readonly number[]): void => {
          bench.hear(...from);
          for (const at of from) said.set(at, { wallMs: bench.wall(at), nowMs: bench.nowMs });
        };
        hear([...bench.uids.keys()].slice(1));
        let before = { timeMs: bench.append(), nowMs: 0 };
        for (const { ms, setMs, heard } of steps) {
          bench.nowMs += ms;
          for (const [at, wrongMs] of setMs.slice(0, count).entries()) bench.wrongMs[at] = wrongMs;
          hear(heard.filter((at) => at < count));
          const timeMs = bench.append();
          const { nowMs } = bench;
          assert.ok(timeMs >= before.timeMs);
          assert.ok(timeMs - before.timeMs <= (1 + CATCH_UP_RATE) * (nowMs - before.nowMs) + 1);
          if (timeMs > before.timeMs) {
            said.set(0, { wallMs: bench.wall(0), nowMs });
            const future = [...said.values()].filter(
              (one) => nowMs - one.nowMs <= CLOCK_STALE_MS && one.wallMs + nowMs - one.nowMs < timeMs,
            );
            assert.ok(future.length < majority, `${future.length} of ${count} call ${timeMs} future`);
          }
          before = { timeMs, nowMs };
        }
      }),
    );
  });
});

/** A leader of itself alone, whose clocks can be moved. */
async function soleLeader() {
  const { log, state } = await openOn(new MemoryDisk());
  const self = { id: 'a', uid: log.uid, peer: 'a:1' };
  const moved = { monotonicMs: 0, wallMs: START_MS };
  const beganMs = performance.now();
  const driver = new ReplicationDriver({
    self,
    api: 'http://a',
    bootstrap: [self],
    log,
    state,
    register: new StandingRegister({ value: null, index: 0, session: null }),
    sessions: lastingSessions,
    transport: {
      start: () => {},
      setPeers: () => {},
      send: () => {},
      setBeat: () => {},
      stepped: () => {},
      close: async () => {},
    },
    clock: {
      ...realClock,
      now: () => performance.now() + moved.monotonicMs,
      wall: () => performance.now() - beganMs + moved.wallMs,
    },
    newUuid: () => 'claim',
    onFatal: assert.fail,
  });
  const limits = { maxPendingBytes: 2 ** 20, maxPendingRequests: 100, appendTimeoutMs: 30_000 };
  const appends = new Appends(log, driver, limits, () => {});
  driver.start();
  await until('it leads', () => driver.role.kind === 'leader');
  return { log, driver, moved, append: () => appends.append([{ value: Buffer.alloc(8000) }], null) };
}

it('is what a leader stamps records and judges their age with', async (t) => {
  const { log, driver, moved, append } = await soleLeader();
  t.after(async () => {
    await driver.stop({ handover: false });
    await log.close();
  });
  const retain = () => driver.retain({ maxBytes: Number.POSITIVE_INFINITY, maxAgeMs: 7 * DAY });
  for (let count = 0; count < 20; count += 1) await append();
  moved.wallMs += 8 * DAY;
  await retain();
  await append();
  assert.equal(log.first, 0, 'nothing is that old');
  assert.ok(log.lastTimestampMs >= START_MS && log.lastTimestampMs < START_MS + DAY);
  moved.monotonicMs += 8 * DAY;
  await retain();
  assert.ok(log.first > 0, 'time has passed');
});
