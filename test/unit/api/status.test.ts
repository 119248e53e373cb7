import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, post, SAMPLE, send, startApi, until } from '../../support/api.ts';

const STAMP = { 'producer-id': '9007199254740993', 'producer-epoch': '3' };
const PRODUCER = '/api/v1/producers/9007199254740993';

test('the status is the logger’s, role and all', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a');
  const leading = await send(`${url}/api/v1/status`);
  assert.deepEqual(JSON.parse(leading.text), service.status());
  assert.equal(leading.headers['cache-control'], 'no-store');
  service.follow({ id: 'logger-1', api: 'http://leader.test' });
  const following = JSON.parse((await send(`${url}/api/v1/status`)).text);
  assert.equal(following.role, 'follower');
  assert.deepEqual(following.leader, { id: 'logger-1', api: 'http://leader.test' });
});

test('a status can wait for a leader of a higher epoch, for as long as it is asked to', async (t) => {
  const { service, url } = await startApi(t);
  service.follow(null);
  const news = send(`${url}/api/v1/status?wait=60s&epoch-above=3`);
  await until('it waits', () => service.leaderWaits.length === 1);
  service.follow({ id: 'logger-1', api: 'http://leader.test' });
  service.leaderWaits[0]?.wake();
  assert.equal(JSON.parse((await news).text).leader.id, 'logger-1');
  assert.equal((await send(`${url}/api/v1/status?wait=20ms`)).status, 200);
  assert.deepEqual(
    service.leaderWaits.map(({ above }) => above),
    [3, -1],
  );
  for (const query of ['epoch-above=3', 'wait=61s', 'wait=1s&epoch-above=x', 'epoch=1'])
    assertProblem(await send(`${url}/api/v1/status?${query}`), 'invalid-request');
  assert.equal(service.leaderWaits.length, 2);
});

test('a restarted producer learns where it was, its 63-bit id unharmed', async (t) => {
  const { service, ...api } = await startApi(t);
  await post(api, '["a","b"]', { 'content-type': 'application/json', ...STAMP, 'producer-seq': '0' });
  const answer = await send(api.url + PRODUCER);
  assert.deepEqual(JSON.parse(answer.text), {
    id: '9007199254740993',
    epoch: 3,
    lastSequence: 1,
    lastOffset: 1,
  });
  assert.equal(service.confirmations, 1);
});

test('a producer is told of its last record only once that is committed', async (t) => {
  const { service, ...api } = await startApi(t, { bounds: { producerWaitMs: 60_000 } });
  service.commitsAtOnce = false;
  const append = post(api, 'a', { 'content-type': 'text/plain', ...STAMP, 'producer-seq': '0' });
  await until('it is appended', () => service.waiting === 1);
  const answer = send(api.url + PRODUCER);
  await until('the answer waits too', () => service.waiting === 2);
  service.commitTo();
  assert.equal(JSON.parse((await answer).text).lastSequence, 0);
  assert.equal((await append).status, 200);
});

test('a last record that is not committed in time is not told of', async (t) => {
  const { service, ...api } = await startApi(t, { bounds: { producerWaitMs: 20 } });
  service.commitsAtOnce = false;
  const append = post(api, 'a', { 'content-type': 'text/plain', ...STAMP, 'producer-seq': '0' });
  await until('it is appended', () => service.waiting === 1);
  assertProblem(await send(api.url + PRODUCER), 'not-ready');
  service.commitTo();
  await append;
});

test('only the leader tells of producers: another’s table may be behind', async (t) => {
  const { service, url } = await startApi(t);
  service.follow({ id: 'logger-1', api: 'http://leader.test' });
  const answer = await send(url + PRODUCER);
  assert.equal(answer.status, 307);
  assert.equal(answer.headers.location, `http://leader.test${PRODUCER}`);
  service.follow(null);
  assertProblem(await send(url + PRODUCER), 'no-leader');
});

test('leadership is handed over to a named logger, or to whichever is best', async (t) => {
  const { service, url } = await startApi(t);
  const transfer = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    send(`${url}/api/v1/leader/transfer`, { body, headers, method: 'POST' });
  const named = await transfer('{"to":"logger-2"}');
  assert.equal(named.status, 202);
  assert.deepEqual(JSON.parse(named.text), { epoch: 2, to: 'logger-2' });
  for (const answer of [await transfer('{}'), await transfer('', {}), await transfer('{"to":null}')])
    assert.deepEqual(JSON.parse(answer.text), { epoch: 2, to: 'logger-1' });
  assert.deepEqual(service.transfers, ['logger-2', null, null, null]);
});

test('a handover is asked of the leader', async (t) => {
  const { service, url } = await startApi(t);
  service.follow({ id: 'logger-1', api: 'http://leader.test' });
  const answer = await send(`${url}/api/v1/leader/transfer`, { method: 'POST' });
  assert.equal(answer.status, 307);
  assert.equal(answer.headers.location, 'http://leader.test/api/v1/leader/transfer');
  service.follow(null);
  assertProblem(await send(`${url}/api/v1/leader/transfer`, { method: 'POST' }), 'no-leader');
});

for (const [probe, state] of [
  ['livez', 'liveness'],
  ['readyz', 'readiness'],
] as const)
  test(`/${probe} is 200, or 503 with the reason`, async (t) => {
    const { service, url } = await startApi(t);
    const good = await send(`${url}/${probe}`);
    assert.equal(good.status, 200);
    const { id, cluster } = service.status();
    const who = probe === 'livez' ? { id, cluster } : {};
    assert.deepEqual(JSON.parse(good.text), { ...service[state], ...who });
    service[state] = { ok: false, reason: 'catching up: 5 records behind' };
    const problem = assertProblem(await send(`${url}/${probe}`), 'not-ready');
    assert.equal(problem.detail, 'catching up: 5 records behind');
    assert.equal((await send(`${url}/${probe}?verbose`, {})).status, 503, 'probes take any query');
  });

test('metrics are given as they are made', async (t) => {
  const { url } = await startApi(t);
  const answer = await send(`${url}/metrics`);
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4');
  assert.equal(answer.text, 'up 1\n');
});

test('stats are those later than asked for, and history is the logger’s', async (t) => {
  const { service, url } = await startApi(t);
  service.samples = [SAMPLE, { ...SAMPLE, time: SAMPLE.time + 2000 }];
  service.epochs = [{ epoch: 1, leader: null, start: 0, time: null, seen: false }];
  const stats = await send(`${url}/api/v1/stats?since=${SAMPLE.time}`);
  assert.equal(stats.headers['cache-control'], 'no-store');
  assert.deepEqual(JSON.parse(stats.text), {
    intervalMs: 2000,
    maxSamples: 300,
    samples: [service.samples[1]],
  });
  assert.equal(JSON.parse((await send(`${url}/api/v1/stats`)).text).samples.length, 2);
  for (const query of ['since=x', 'since=-1', 'since=1&since=2', 'sinc=1'])
    assertProblem(await send(`${url}/api/v1/stats?${query}`), 'invalid-request');
  assert.deepEqual(JSON.parse((await send(`${url}/api/v1/history`)).text), { epochs: service.epochs });
  assertProblem(await send(`${url}/api/v1/history?limit=1`), 'invalid-request');
});

test('requests are counted by route, method and status, unknown paths and methods under one name', async (t) => {
  const { requests, url } = await startApi(t);
  await send(`${url}/api/v1/producers/123`);
  await send(`${url}/a/b/c`);
  await send(`${url}/livez`, { method: 'PROPFIND' });
  await send(`${url}/%zz`);
  await until('all are counted', () => requests.length === 4);
  assert.deepEqual(
    requests.map(({ route, method, status }) => [route, method, status]),
    [
      ['/api/v1/producers/:id', 'GET', 404],
      ['none', 'GET', 404],
      ['none', 'other', 405],
      ['none', 'GET', 400],
    ],
  );
});
