// The metrics as a scrape shows them, from what a logger observes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiMetrics, wireMetrics } from '../../src/logger/instruments.ts';
import { createMetrics, type Observed } from '../../src/metrics.ts';

const calm: Observed = {
  isLeader: true,
  hasLeader: true,
  isMember: true,
  epoch: 3,
  promisedEpoch: 3,
  label: { enabled: true, inSync: true, wanted: 'leader', observed: 'leader' },
  kubernetesReachable: true,
  consulReachable: true,
  registerReadable: true,
  sessionValid: true,
  firstOffset: 0,
  commitOffset: 9,
  endOffset: 10,
  syncedOffset: 10,
  commitStalledSeconds: 0.5,
  clockOffsetSeconds: -2,
  logTimeAheadSeconds: 0,
  logSizeBytes: 1000,
  logSegments: 1,
  diskFull: false,
  logDamaged: false,
  pendingRequests: 1,
  pendingBytes: 100,
  connections: 4,
  members: 3,
  followers: [
    { id: 'b', connected: true, matched: true, lagRecords: 1, lagBytes: 100, silentSeconds: 0.1 },
    { id: 'c', connected: false, matched: false, lagRecords: null, lagBytes: null, silentSeconds: null },
  ],
};

function scraped(first: Observed) {
  const state = { now: first, looks: 0, room: { freeBytes: 5, sizeBytes: 10 } };
  const metrics = createMetrics(
    { version: '1', node: 'v24' },
    () => {
      state.looks += 1;
      return state.now;
    },
    async () => state.room,
  );
  const scrape = async (): Promise<Map<string, number>> => {
    const lines = (await metrics.registry.metrics()).split('\n').filter((line) => /^[a-z]/.test(line));
    return new Map(
      lines.map((line): [string, number] => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at).replace('distributed_logger_', ''), Number(line.slice(at + 1))];
      }),
    );
  };
  return { state, metrics, scrape };
}

test('a scrape looks once and shows what it saw, follower by follower', async () => {
  const { state, scrape } = scraped(calm);
  const shown = await scrape();
  assert.equal(state.looks, 1);
  for (const [name, value] of Object.entries({
    is_leader: 1,
    epoch: 3,
    log_commit_stalled_seconds: 0.5,
    clock_offset_seconds: -2,
    log_time_ahead_seconds: 0,
    log_disk_free_bytes: 5,
    log_disk_size_bytes: 10,
    http_connections: 4,
    kubernetes_reachable: 1,
    label_wanted_leader: 1,
    'follower_lag_records{follower="b"}': 1,
    'follower_lag_bytes{follower="b"}': 100,
    'follower_silent_seconds{follower="b"}': 0.1,
    'follower_matched{follower="c"}': 0,
  }))
    assert.equal(shown.get(name), value, name);
  assert.ok(!shown.has('follower_lag_records{follower="c"}'), 'what is not known is not shown');
});

test('what is no longer so, or cannot be known, is gone from the next scrape', async () => {
  const { state, scrape } = scraped(calm);
  await scrape();
  state.now = {
    ...calm,
    isLeader: false,
    followers: [],
    kubernetesReachable: null,
    clockOffsetSeconds: null,
    label: { enabled: false, inSync: false, wanted: 'follower', observed: null },
  };
  state.room = { freeBytes: Number.NaN, sizeBytes: Number.NaN };
  const shown = await scrape();
  assert.equal(state.looks, 2);
  assert.equal(shown.get('is_leader'), 0);
  assert.equal(shown.get('label_in_sync'), 1, 'labels that are off are not out of step');
  const gone = [
    'kubernetes_reachable',
    'label_wanted_leader',
    'label_observed_leader',
    'log_disk_free_bytes',
    'clock_offset_seconds',
  ];
  assert.deepEqual(
    [...shown.keys()].filter((name) => name.startsWith('follower_') || gone.includes(name)),
    [],
  );
});

test('counters whose labels are known begin at zero, so that the first increase is one', async () => {
  const { scrape, metrics } = scraped(calm);
  const before = await scrape();
  for (const name of ['leadership_lost_total{reason="stuck"}', 'append_requests_total{code="ok"}'])
    assert.equal(before.get(name), 0, name);
  metrics.leadershipLost.labels('stuck').inc();
  assert.equal((await scrape()).get('leadership_lost_total{reason="stuck"}'), 1);
});

test('what is tallied by requests and frames is there at each scrape, label by label', async () => {
  const { scrape, metrics } = scraped(calm);
  const api = apiMetrics(metrics);
  const wire = wireMetrics(metrics);
  const route = '/api/v1/producers/:id';
  for (let time = 0; time < 3; time += 1) api.onRequest({ route, method: 'GET', status: 200, seconds: 0.01 });
  api.onRequest({ route, method: 'GET', status: 404, seconds: 0.01 });
  wire.traffic('b', 'in', 2, 300);
  wire.traffic('b', 'in', 1, 50);
  wire.traffic('b', 'out', 1, 7);
  const expected = {
    [`http_requests_total{route="${route}",method="GET",status="200"}`]: 3,
    [`http_requests_total{route="${route}",method="GET",status="404"}`]: 1,
    [`http_request_duration_seconds_count{route="${route}",method="GET"}`]: 4,
    'peer_frames_total{peer="b",direction="in"}': 3,
    'peer_bytes_total{peer="b",direction="in"}': 350,
    'peer_bytes_total{peer="b",direction="out"}': 7,
  };
  await scrape();
  const shown = await scrape();
  for (const [name, value] of Object.entries(expected)) assert.equal(shown.get(name), value, name);
});
