// Stepping down and shutting down: what becomes of connections, and of the requests on them.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { assertProblem, open, post, RawClient, send, startApi, until } from '../../support/api.ts';

const GET = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n';
const POST = 'POST /api/v1/log HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na';

test('stepping down closes idle connections at once and takes new ones', async (t) => {
  const api = await startApi(t);
  const used = new RawClient(api.port);
  used.write(GET);
  await until('it is answered', () => used.answers.length === 1);
  assert.equal(used.answers[0]?.headers.connection, 'keep-alive');
  api.api.closeConnections();
  await used.closed();
  const fresh = new RawClient(api.port);
  fresh.write(GET);
  await until('it is answered', () => fresh.answers.length === 1);
  assert.equal(fresh.answers[0]?.headers.connection, 'keep-alive');
  fresh.socket.destroy();
});

test('stepping down lets appends under way end with their own answer, which closes the connection', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const [won, lost] = [new RawClient(api.port), new RawClient(api.port)];
  won.write(POST);
  await until('it is appended', () => api.service.values.length === 1);
  lost.write(POST);
  await until('both are appended', () => api.service.values.length === 2);
  api.service.commitTo(1);
  await until('the first is answered', () => won.answers.length === 1);
  won.write(POST);
  await until('the next is appended', () => api.service.values.length === 3);
  api.api.closeConnections();
  api.service.follow(null);
  await Promise.all([won.closed(), lost.closed()]);
  for (const answer of [won.answers[1]!, lost.answers[0]!]) {
    assertProblem(answer, 'outcome-unknown');
    assert.equal(answer.headers.connection, 'close');
  }
});

test('of pipelined appends only the last answer closes the connection', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const client = new RawClient(api.port);
  client.write(POST + POST + POST);
  await until('all are appended', () => api.service.values.length === 3);
  api.api.closeConnections();
  api.service.commitTo();
  await client.closed();
  assert.deepEqual(
    client.answers.map(({ status, headers }) => [status, headers.connection]),
    [
      [200, 'keep-alive'],
      [200, 'keep-alive'],
      [200, 'close'],
    ],
  );
});

test('stepping down leaves event streams alone: any logger serves them', async (t) => {
  const api = await startApi(t);
  const response = await open(`${api.url}/api/v1/log`, { headers: { accept: 'text/event-stream' } });
  let text = '';
  response.on('data', (chunk) => {
    text += chunk;
  });
  api.api.closeConnections();
  api.service.follow(null);
  api.service.fill('a');
  await until('the record is shown', () => text.includes('"value":"a"'));
  response.destroy();
});

test('closing waits for appends under way, closes what is idle, and then nobody listens', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const [busy, idle] = [new RawClient(api.port), new RawClient(api.port)];
  busy.write(POST);
  idle.write(GET);
  await until('both are there', () => api.service.values.length === 1 && idle.answers.length === 1);
  const closed = api.api.close(60_000);
  await idle.closed();
  api.service.commitTo();
  await Promise.all([closed, busy.closed()]);
  assert.equal(busy.answers[0]?.status, 200);
  assert.equal(busy.answers[0]?.headers.connection, 'close');
  assert.equal(await new RawClient(api.port).closed(), '');
});

test('a request that comes while the API closes gets a code', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  let started = 0;
  const count = (): void => {
    started += 1;
  };
  subscribe('http.server.request.start', count);
  t.after(() => unsubscribe('http.server.request.start', count));
  const client = new RawClient(api.port);
  client.write(POST);
  await until('it is appended', () => api.service.values.length === 1);
  const closed = api.api.close(60_000);
  client.write(POST);
  await until('the second is there', () => started === 2);
  api.service.commitTo();
  await Promise.all([closed, client.closed()]);
  assert.equal(client.answers[0]?.status, 200);
  assertProblem(client.answers[1]!, 'shutting-down');
  assert.equal(client.answers[1]?.headers.connection, 'close');
  assert.equal(api.service.values.length, 1);
});

test('closing ends long-polls with what there is', async (t) => {
  const api = await startApi(t);
  const answer = send(`${api.url}/api/v1/log?wait=60s`);
  await until('it waits', () => api.service.waiting === 1);
  await api.api.close(60_000);
  assert.equal((await answer).status, 200);
  assert.equal((await answer).text, '');
});

test('closing cuts off at its deadline what will not end', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const waiting = new RawClient(api.port);
  waiting.write(POST);
  await until('it is appended', () => api.service.values.length === 1);
  const half = new RawClient(api.port);
  half.write(POST.slice(0, -1));
  await api.api.close(50);
  assert.equal(await waiting.closed(), '');
  await half.closed();
});

test('closing twice is closing once', async (t) => {
  const api = await startApi(t);
  await Promise.all([api.api.close(1000), api.api.close(1000)]);
  await api.api.close(1000);
  await assert.rejects(post(api, 'a'), /ECONNREFUSED/);
});
