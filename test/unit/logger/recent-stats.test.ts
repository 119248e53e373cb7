import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyDigest } from '../../../src/logger/latency-digest.ts';
import { RecentStats, type Sampled } from '../../../src/logger/recent-stats.ts';

const at = (seconds: number) => ({ timeMs: 1_700_000_000_000 + seconds * 1000, monotonicMs: seconds * 1000 });
const member = { uid: 'u', peer: 'h:1', api: null, connected: true, end: 0 };
const leading = (commit: number): Sampled => ({
  role: 'leader',
  epoch: 3,
  commit,
  members: [
    { ...member, id: 'logger-0', role: 'leader', lag: 0 },
    { ...member, id: 'logger-1', role: 'follower', lag: 5 },
    { ...member, id: 'logger-2', role: 'follower', lag: null },
  ],
});

test('quantiles are within a twelfth of the true ones', () => {
  const digest = new LatencyDigest();
  for (let ms = 1; ms <= 1000; ms += 1) digest.observe(ms / 1000);
  const { count, p50Ms, p99Ms, maxMs } = digest.take()!;
  assert.equal(count, 1000);
  assert.ok(Math.abs(p50Ms - 500) < 500 / 12, String(p50Ms));
  assert.ok(Math.abs(p99Ms - 990) < 990 / 12, String(p99Ms));
  assert.equal(maxMs, 1000);
  assert.equal(digest.take(), null, 'what was taken does not count twice');
});

test('durations beyond the scale, at either end, count too', () => {
  const digest = new LatencyDigest();
  for (const seconds of [0, 1e-9, 3600]) digest.observe(seconds);
  assert.deepEqual(digest.take(), { count: 3, p50Ms: 0.001, p99Ms: digestTop, maxMs: 3_600_000 });
});
const digestTop = Math.round(2 ** (207.5 / 8)) / 1000;

test('a sample is what happened since the last one', () => {
  const stats = new RecentStats();
  stats.sample(leading(100), at(0));
  stats.stored(4000);
  stats.appended(0.002);
  stats.synced(0.001);
  stats.sample(leading(300), at(2));
  const [, sample] = stats.since(0).samples;
  assert.equal(sample?.recordsPerSecond, 100);
  assert.equal(sample?.bytesPerSecond, 2000);
  assert.equal(sample?.append?.count, 1);
  assert.equal(sample?.fsync?.maxMs, 1);
  assert.deepEqual(sample?.lag, { 'logger-1': 5, 'logger-2': null });
  stats.sample(leading(300), at(4));
  const still = stats.since(0).samples.at(-1);
  assert.deepEqual(
    [still?.recordsPerSecond, still?.bytesPerSecond, still?.append, still?.fsync],
    [0, 0, null, null],
  );
});

test('a follower knows what was committed, but nothing of the leader’s bytes and followers', () => {
  const stats = new RecentStats();
  stats.sample({ ...leading(0), role: 'follower' }, at(0));
  stats.sample({ ...leading(50), role: 'follower' }, at(2));
  const sample = stats.since(0).samples.at(-1);
  assert.equal(sample?.recordsPerSecond, 25);
  assert.equal(sample?.bytesPerSecond, null);
  assert.deepEqual(sample?.lag, {});
});

test('the ring is bounded, and gives what is new', () => {
  const stats = new RecentStats();
  for (let second = 0; second < 1000; second += 2) stats.sample(leading(second), at(second));
  const { samples, maxSamples } = stats.since(0);
  assert.equal(samples.length, maxSamples);
  const last = samples.at(-1)!;
  assert.equal(last.commit, 998);
  assert.deepEqual(stats.since(last.time).samples, []);
  assert.equal(stats.since(last.time - 1).samples.length, 1);
});

test('a clock that is set back makes no two samples one', () => {
  const stats = new RecentStats();
  stats.sample(leading(0), at(10));
  stats.sample(leading(0), { timeMs: at(5).timeMs, monotonicMs: 12_000 });
  const [first, second] = stats.since(0).samples;
  assert.equal(second!.time, first!.time + 1);
});
