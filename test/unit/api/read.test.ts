import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { LoggerError } from '../../../src/errors.ts';
import {
  assertProblem,
  open,
  RawClient,
  rowsOf,
  send,
  sendUntil,
  startApi,
  until,
} from '../../support/api.ts';

const LOG = '/api/v1/log';
const valuesOf = (answer: Parameters<typeof rowsOf>[0]) => rowsOf(answer).map(({ value }) => value);

test('rows from the beginning, from an offset, from the ends', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a', 'b', 'c', 'd');
  const cases: [query: string, values: string[], next: string][] = [
    ['', ['a', 'b', 'c', 'd'], '4'],
    ['?offset=1', ['b', 'c', 'd'], '4'],
    ['?offset=1&limit=2', ['b', 'c'], '3'],
    ['?offset=earliest&limit=1', ['a'], '1'],
    ['?offset=latest', [], '4'],
    ['?offset=4', [], '4'],
    ['?offset=0&limit=100000', ['a', 'b', 'c', 'd'], '4'],
  ];
  for (const [query, values, next] of cases) {
    const answer = await send(url + LOG + query);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/x-ndjson');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual(valuesOf(answer), values, query);
    assert.equal(answer.headers['log-commit'], '4');
    assert.equal(answer.headers['log-next-offset'], next, query);
  }
});

test('only committed records are read', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a');
  service.commitsAtOnce = false;
  service.append([{ value: Buffer.from('b') }], null).catch(() => {});
  const answer = await send(url + LOG);
  assert.deepEqual(valuesOf(answer), ['a']);
  assert.equal(answer.headers['log-commit'], '1');
  assertProblem(await send(`${url}${LOG}?offset=2`), 'offset-out-of-range');
});

test('any Accept but an event stream gets rows', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a');
  for (const accept of [
    '*/*',
    'application/json',
    'text/html, text/*',
    'text/event-stream;q=0',
    'application/x-ndjson, text/event-stream;q=0.5',
  ]) {
    const answer = await send(url + LOG, { headers: { accept } });
    assert.equal(answer.headers['content-type'], 'application/x-ndjson', accept);
    assert.deepEqual(valuesOf(answer), ['a']);
  }
});

test('HEAD tells commit and next offset, and nothing more', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a', 'b');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let time = 0; time < 2; time += 1) {
    const answer = await send(`${url}${LOG}?limit=1`, { method: 'HEAD', agent });
    assert.equal(answer.status, 200);
    assert.deepEqual(
      [answer.headers['log-commit'], answer.headers['log-next-offset'], answer.text],
      ['2', '1', ''],
    );
  }
});

test('below the first record: 410 that names it, and earliest goes on there', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a', 'b', 'c');
  service.retainFrom(2);
  const problem = assertProblem(await send(`${url}${LOG}?offset=1`), 'offset-gone');
  assert.equal(problem.first, 2);
  assert.equal(problem.commit, 3);
  assert.deepEqual(valuesOf(await send(`${url}${LOG}?offset=earliest`)), ['c']);
});

test('a large read is streamed in chunks, whole and in order', async (t) => {
  const { service, url } = await startApi(t, { bounds: { readChunkBytes: 1000 } });
  const values = Array.from({ length: 5000 }, (_, index) => `${index} ${'x'.repeat(index % 97)}`);
  service.fill(...values);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let time = 0; time < 2; time += 1) {
    const answer = await send(`${url}${LOG}?limit=100000`, { agent });
    assert.deepEqual(valuesOf(answer), values);
    assert.equal(answer.headers['log-next-offset'], '5000');
    assert.equal(answer.headers['transfer-encoding'], 'chunked');
  }
});

test('a read whose records vanish in the middle is cut off, never silently short', async (t) => {
  const { service, url } = await startApi(t, { bounds: { readChunkBytes: 100 } });
  service.fill(...Array(100).fill('x'.repeat(50)));
  const gate = Promise.withResolvers<void>();
  const read = service.read.bind(service);
  service.read = async (offset, limits) => {
    if (offset < 50) return read(offset, limits);
    await gate.promise;
    throw new LoggerError('offset-gone');
  };
  const response = await open(`${url}${LOG}`);
  assert.equal(response.headers['log-next-offset'], '100');
  gate.resolve();
  await assert.rejects(async () => {
    for await (const _ of response);
  }, /aborted/);
});

test('a client that takes nothing holds no more than a chunk and is closed', async (t) => {
  const { service, port, requests } = await startApi(t, {
    bounds: { stallTimeoutMs: 200, readChunkBytes: 64_000 },
  });
  service.fill(...Array(30_000).fill('x'.repeat(1000)));
  let reads = 0;
  const read = service.read.bind(service);
  service.read = (offset, limits) => {
    reads += 1;
    return read(offset, limits);
  };
  const client = new RawClient(port);
  client.socket.pause();
  client.write(`GET ${LOG}?limit=100000 HTTP/1.1\r\nHost: x\r\n\r\n`);
  await until('the API gives it up', () => requests.length === 1);
  // Of 30 MB the kernel's buffers take a few; no more is read than they and one chunk hold.
  assert.ok(reads < 400, `${reads} of 469 chunks were read`);
  client.socket.resume();
  assert.doesNotMatch(await client.closed(), /\r\n0\r\n\r\n$/, 'an answer cut off must not look whole');
});

test('plain reads in progress are bounded', async (t) => {
  const { service, port, url } = await startApi(t, { bounds: { maxReads: 1, readChunkBytes: 64_000 } });
  service.fill(...Array(20_000).fill('x'.repeat(1000)));
  const client = new RawClient(port);
  client.socket.pause();
  client.write(`GET ${LOG}?limit=100000 HTTP/1.1\r\nHost: x\r\n\r\n`);
  assertProblem(await sendUntil(429, `${url}${LOG}?limit=1`), 'too-many-requests');
  client.socket.destroy();
  assert.equal(rowsOf(await sendUntil(200, `${url}${LOG}?limit=1`)).length, 1);
});

test('a long-poll ends with the first record', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a');
  const answer = send(`${url}${LOG}?offset=1&wait=60s`);
  await until('it waits', () => service.waiting === 1);
  service.fill('b', 'c');
  assert.deepEqual(valuesOf(await answer), ['b', 'c']);
  assert.equal((await answer).headers['log-next-offset'], '3');
});

test('a long-poll without a record ends empty when its time is over, beyond commit too', async (t) => {
  const { service, url, readers } = await startApi(t);
  service.fill('a');
  for (const offset of [1, 5]) {
    const answer = await send(`${url}${LOG}?offset=${offset}&wait=20ms`);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '');
    assert.equal(answer.headers['log-next-offset'], String(offset));
    assert.equal(answer.headers['log-commit'], '1');
  }
  await until('no reader is left', () => readers() === 0);
  assert.equal(service.waiting, 0);
});

test('a long-poll whose client leaves is given up', async (t) => {
  const { service, port, readers } = await startApi(t);
  const client = new RawClient(port);
  client.write(`GET ${LOG}?wait=60s HTTP/1.1\r\nHost: x\r\n\r\n`);
  await until('it waits', () => service.waiting === 1);
  assert.equal(readers(), 1);
  client.socket.destroy();
  await until('it is given up', () => service.waiting === 0 && readers() === 0);
});

test('a client that leaves before its read begins takes no place', async (t) => {
  const { service, port, readers, requests } = await startApi(t);
  const gate = Promise.withResolvers<void>();
  service.confirmLeadership = () => gate.promise;
  const client = new RawClient(port);
  client.write(`GET ${LOG}?wait=60s&consistency=linearizable HTTP/1.1\r\nHost: x\r\n\r\n`);
  await new Promise((sent) => client.socket.write('', sent));
  client.socket.resetAndDestroy();
  await until('the API knows', () => requests.length === 1);
  gate.resolve();
  // Everything that follows the confirmation happens before the next turn.
  await new Promise((turn) => setImmediate(turn));
  assert.deepEqual([readers(), service.waiting], [0, 0]);
  assert.equal(requests[0]?.status, 0);
});

test('a linearizable read asks the majority first, and is the leader’s', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a');
  const path = `${LOG}?offset=0&consistency=linearizable`;
  assert.deepEqual(valuesOf(await send(url + path)), ['a']);
  assert.equal(service.confirmations, 1);
  service.follow({ id: 'logger-1', api: 'http://leader.test' });
  const elsewhere = await send(url + path);
  assert.equal(elsewhere.status, 307);
  assert.equal(elsewhere.headers.location, `http://leader.test${path}`);
  assert.deepEqual(valuesOf(await send(`${url}${LOG}`)), ['a'], 'a follower serves committed records');
  service.follow(null);
  assertProblem(await send(url + path), 'no-leader');
  service.lead();
  service.confirmLeadership = () => Promise.reject(new LoggerError('outcome-unknown', 'not confirmed'));
  assert.equal(assertProblem(await send(url + path), 'not-ready').detail, 'not confirmed');
});

test('not ready before a leader has told the commit: no answer tells one that may be lower than before', async (t) => {
  const { url, service } = await startApi(t);
  service.fill('one', 'two');
  service.commitIsCurrent = false;
  for (const query of ['?offset=0', '?offset=9', '?offset=latest', '?offset=2&wait=10ms'])
    assertProblem(await send(`${url}${LOG}${query}`), 'not-ready');
  service.commitIsCurrent = true;
  assert.equal((await send(`${url}${LOG}?offset=0`)).status, 200);
});

test('a read that fails tells no next offset behind rows it did not give, and leaves no write in doubt', async (t) => {
  const { service, url, errors } = await startApi(t, { expectsErrors: true });
  service.fill('a', 'b');
  service.read = () => Promise.reject(new LoggerError('internal', 'the log cannot be read here'));
  const answer = await send(`${url}${LOG}?offset=0`);
  assert.equal(answer.status, 500);
  assert.equal(answer.headers['log-next-offset'], undefined);
  assert.equal(answer.headers['log-commit'], undefined);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const { code, outcome } = JSON.parse(answer.text);
  assert.deepEqual({ code, outcome }, { code: 'internal', outcome: 'none' });
  const events = await send(`${url}${LOG}?offset=0`, { headers: { accept: 'text/event-stream' } });
  assert.match(events.text, /event: problem\ndata: .*"outcome":"none"/);
  assert.equal(errors.length, 2);
});
