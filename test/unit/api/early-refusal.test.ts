// Appends that come while as many wait as may.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BOUNDS } from '../../../src/api/bounds.ts';
import { assertProblem, post, RawClient, startApi, until } from '../../support/api.ts';

const request = (body: string): string =>
  `POST /api/v1/log HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

for (const code of ['too-many-requests', 'overloaded'] as const)
  test(`a small append is refused as ${code} without being looked at, and its connection goes on`, async (t) => {
    const api = await startApi(t);
    const client = new RawClient(api.port);
    api.service.full = code;
    // The second one comes behind the first, as with pipelining; the third in pieces.
    client.write(request('a') + request('b'));
    await until('both are refused', () => client.answers.length === 2);
    const third = request('c'.repeat(100));
    client.write(third.slice(0, -50));
    await until('the head is read', () => api.api.connections === 1);
    client.write(third.slice(-50));
    await until('it is refused', () => client.answers.length === 3);
    for (const answer of client.answers) {
      const problem = assertProblem(answer, code);
      assert.equal(answer.headers['retry-after'], '1');
      assert.equal(problem.retryAfterMs, 1000);
      assert.equal(problem.outcome, 'refused');
    }
    await until('they are counted', () => api.appends.length === 3);
    for (const sample of api.appends) assert.equal(sample.code, code);
    for (const { status, route } of api.requests) {
      assert.equal(status, client.answers[0]?.status);
      assert.equal(route, '/api/v1/log');
    }
    api.service.full = null;
    client.write(request('d'));
    await until('the next is stored', () => client.answers.length === 4);
    assert.equal(client.answers[3]?.status, 200);
    assert.deepEqual(api.service.values, ['d']);
    client.socket.destroy();
  });

test('a refusal is held back, so that who comes back at once is not back in the same turn', async (t) => {
  const api = await startApi(t);
  const client = new RawClient(api.port);
  api.service.full = 'too-many-requests';
  const sentMs = performance.now();
  client.write(request('a'));
  await until('it is refused', () => client.answers.length === 1);
  const tookMs = performance.now() - sentMs;
  assert.ok(tookMs >= BOUNDS.refusalHoldMs, `answered after ${tookMs} ms`);
  client.socket.destroy();
});

test('a client that leaves while its refusal is held is counted as gone, and others are answered', async (t) => {
  const api = await startApi(t);
  api.service.full = 'too-many-requests';
  const client = new RawClient(api.port);
  client.write(request('a'));
  await until('it has come', () => api.api.connections === 1);
  await sleep(20);
  client.socket.resetAndDestroy();
  await until('it is counted', () => api.appends.length === 1);
  assert.equal(api.appends[0]?.code, 'left');
  const answer = await post(api, 'b');
  assert.equal(answer.status, 429);
});

test('a logger that does not lead names the leader, full or not', async (t) => {
  const api = await startApi(t);
  api.service.full = 'too-many-requests';
  api.service.follow({ id: 'logger-1', api: 'http://logger-1:8080' });
  const answer = await post(api, 'a');
  assert.equal(answer.status, 307);
});

/** A full logger, and a request `abc` to it whose last byte is still to come. */
async function nearlySent(t: TestContext) {
  const api = await startApi(t);
  api.service.full = 'too-many-requests';
  const client = new RawClient(api.port);
  client.write(request('abc').slice(0, -1));
  await until('it has come', () => api.api.connections === 1);
  await sleep(20);
  return { api, client };
}

test('a refusal says that a connection ends where none is wanted any more', async (t) => {
  const { api, client } = await nearlySent(t);
  api.api.closeConnections();
  client.write('c');
  await client.closed();
  assert.equal(client.answers[0]?.status, 429);
  assert.equal(client.answers[0]?.headers.connection, 'close');
});

test('a client that leaves in the middle of a refused body is counted as gone', async (t) => {
  const { api, client } = await nearlySent(t);
  client.socket.destroy();
  await until('it is counted', () => api.appends.length === 1);
  assert.equal(api.appends[0]?.code, 'left');
});
