// Who may open an append stream, and what others are answered instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Access } from '../../../src/api/access.ts';
import { STREAM_PROTOCOL, STREAM_ROUTE } from '../../../src/api/stream-protocol.ts';
import { ROLES, type Role, Tokens } from '../../../src/security/index.ts';
import { assertProblem, RawClient, type RunningApi, send, startApi, until } from '../../support/api.ts';
import { askForStream, batchOf, handshake, openRawStream, openStream } from '../../support/stream-client.ts';

const tokenOf = (role: Role): string => `${role}-`.padEnd(32, 'x');
const bearer = (role: Role) => ({ headers: { authorization: `Bearer ${tokenOf(role)}` } });
const tokensOf = (roles: readonly Role[]): Tokens =>
  new Tokens(roles.map((role) => ({ role, token: tokenOf(role) })));
const statusesOf = ({ requests }: RunningApi) =>
  requests.map(({ route, method, status }) => `${method} ${route} ${status}`);

test('another logger leads: 307 to the same path there', async (t) => {
  const api = await startApi(t);
  const leader = { id: 'logger-1', api: 'http://leader.test:8080/base' };
  api.service.follow(leader);
  const answer = await askForStream(api);
  assert.equal(answer.status, 307);
  assert.equal(answer.headers.location, `http://leader.test:8080/base${STREAM_ROUTE}`);
  assert.equal(answer.headers.connection, 'close');
  assert.deepEqual(JSON.parse(answer.text), { leader });
  assert.deepEqual(statusesOf(api), [`GET ${STREAM_ROUTE} 307`]);
  assert.deepEqual(api.appends, []);
});

test('no leader: 503, to be tried again soon, unless there is one in time', async (t) => {
  const api = await startApi(t);
  api.service.follow(null);
  const answer = await askForStream(api);
  const problem = assertProblem(answer, 'no-leader');
  assert.equal(answer.headers['retry-after'], '1');
  assert.equal(problem.retryAfterMs, 100);
  api.service.leaderKnown = async () => api.service.lead();
  await openStream(t, api);
  assert.deepEqual(statusesOf(api), [`GET ${STREAM_ROUTE} 503`, `GET ${STREAM_ROUTE} 101`]);
});

test('a client that leaves while a leader is waited for does no harm, whether or not one comes', async (t) => {
  const api = await startApi(t);
  for (const lead of [true, false]) {
    api.service.follow(null);
    let known = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      known = resolve;
    });
    let asked = false;
    api.service.leaderKnown = () => {
      asked = true;
      return waiting;
    };
    const client = new RawClient(api.port);
    client.write(handshake());
    await until('it waits', () => asked);
    client.socket.destroy();
    await until('it has left', () => client.socket.closed);
    if (lead) api.service.lead();
    known();
    await until('it is gone', () => api.api.connections === 0);
  }
  api.service.lead();
  await openStream(t, api);
});

test('stepping down while a handshake waits for a leader closes its connection', async (t) => {
  const api = await startApi(t);
  api.service.follow(null);
  api.service.leaderKnown = async () => {
    api.service.lead();
    api.api.closeConnections();
  };
  const client = new RawClient(api.port);
  client.write(handshake());
  await client.closed();
  assert.equal(client.text, '');
});

test('a token is needed, and one that may produce', async (t) => {
  const tokens = tokensOf(ROLES);
  const api = await startApi(t, { access: { tokens: () => tokens, metricsNeedToken: false } });
  const none = await askForStream(api);
  assertProblem(none, 'unauthorized');
  assert.equal(none.headers['www-authenticate'], 'Bearer realm="distributed-logger"');
  const wrong = await askForStream(api, { headers: { authorization: `Bearer ${'y'.repeat(32)}` } });
  assertProblem(wrong, 'unauthorized');
  const reader = await askForStream(api, bearer('read'));
  assertProblem(reader, 'forbidden');
  assert.match(String(reader.headers['www-authenticate']), /scope="produce"/);
  const stream = await openStream(t, api, bearer('produce'));
  assert.deepEqual(await stream.ask(batchOf(['a'])), { offset: 0, count: 1, epoch: 1 });
  assert.deepEqual(
    statusesOf(api),
    [401, 401, 403, 101].map((status) => `GET ${STREAM_ROUTE} ${status}`),
  );
});

test('a stranger does not learn who leads', async (t) => {
  const tokens = tokensOf(ROLES);
  const api = await startApi(t, { access: { tokens: () => tokens, metricsNeedToken: false } });
  api.service.follow({ id: 'logger-1', api: 'http://leader.test' });
  assertProblem(await askForStream(api), 'unauthorized');
  assert.equal((await askForStream(api, bearer('produce'))).status, 307);
});

test('a token that is taken away counts no more for a stream that is open, and again once it is back', async (t) => {
  let tokens = tokensOf(ROLES);
  const access: Access = { tokens: () => tokens, metricsNeedToken: false };
  const api = await startApi(t, { access });
  const stream = await openStream(t, api, bearer('produce'));
  await stream.ask(batchOf(['a']));
  tokens = tokensOf(['produce']);
  assert.deepEqual(await stream.ask(batchOf(['b'])), { offset: 1, count: 1, epoch: 1 });
  tokens = tokensOf(['read']);
  for (let time = 0; time < 2; time += 1) {
    const answer = await stream.ask(batchOf(['c']));
    assert.ok('status' in answer);
    assert.equal(answer.status, 401);
    assert.equal(answer.body.code, 'unauthorized');
    assert.match(String(answer.headers['www-authenticate']), /error="invalid_token"/);
  }
  tokens = tokensOf(ROLES);
  assert.deepEqual(await stream.ask(batchOf(['d'])), { offset: 2, count: 1, epoch: 1 });
  assert.deepEqual(api.service.values, ['a', 'b', 'd']);
});

test('a page of another origin may not open one', async (t) => {
  const api = await startApi(t);
  for (const origin of ['http://elsewhere.test', 'http://127.0.0.1:1', 'null'])
    assertProblem(await askForStream(api, { headers: { origin } }), 'cross-site');
  await openStream(t, api, { headers: { origin: api.url } });
});

test('requests for another protocol, or for this one elsewhere, are answered as if they had not asked', async (t) => {
  const api = await startApi(t);
  const client = new RawClient(api.port);
  t.after(() => client.socket.destroy());
  for (const [index, [protocol, path, status]] of (
    [
      ['h2c', '/api/v1/status', 200],
      ['websocket', '/api/v1/status', 200],
      ['h2c', STREAM_ROUTE, 404],
    ] as const
  ).entries()) {
    client.write(handshake({ Upgrade: protocol }, path));
    await until('it is answered', () => client.answers.length === index + 1);
    assert.equal(client.answers[index]?.status, status);
  }
  assertProblem(await send(`${api.url}${STREAM_ROUTE}`), 'not-found');
});

test('a broken handshake is answered with what is wrong', async (t) => {
  const api = await startApi(t);
  for (const fields of [
    { 'Sec-WebSocket-Key': undefined },
    { 'Sec-WebSocket-Key': 'short' },
    { 'Sec-WebSocket-Version': '7' },
    { 'Sec-WebSocket-Version': undefined },
    { 'Sec-WebSocket-Protocol': ',' },
  ]) {
    const client = new RawClient(api.port);
    client.write(handshake(fields));
    await client.closed();
    assert.equal(client.answers.length, 1, client.text);
    assertProblem(client.answers[0]!, 'invalid-request');
    assert.match(client.answers[0]!.text, /Sec-WebSocket-/);
  }
  assert.deepEqual(new Set(statusesOf(api)), new Set([`GET ${STREAM_ROUTE} 400`]));
});

test('the protocol is named to a client that asked for it, among others, and to no other', async (t) => {
  const api = await startApi(t);
  for (const [protocols, named] of [
    [undefined, false],
    ['other', false],
    [`other, ${STREAM_PROTOCOL}`, true],
  ] as const) {
    const client = await openRawStream(t, api, { 'Sec-WebSocket-Protocol': protocols });
    assert.equal(client.text.includes(`Sec-WebSocket-Protocol: ${STREAM_PROTOCOL}\r\n`), named);
  }
});

for (const origin of [undefined, 'http://elsewhere.test'])
  test(`a handshake behind a request under way is not answered in its place: ${origin ?? 'same origin'}`, async (t) => {
    const api = await startApi(t);
    const client = new RawClient(api.port);
    client.write(
      `GET /api/v1/log?wait=60s HTTP/1.1\r\nHost: x\r\n\r\n${handshake({ Origin: origin, Host: 'x' })}`,
    );
    await until('the first waits', () => api.service.waiting === 1);
    api.service.fill('a');
    await client.closed();
    assert.match(client.text, /^HTTP\/1\.1 200 /);
    assert.match(client.text, /"value":"a"/);
    assert.doesNotMatch(client.text, /HTTP\/1\.1 (101|403)/);
    assert.equal((await send(`${api.url}/livez`)).status, 200);
  });
