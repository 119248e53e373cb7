// What a well-behaved HTTP client cannot send: slow, halved, garbled, oversized and pipelined requests, byte by byte.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { platform } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertProblem, LIMITS, post, RawClient, send, startApi, until } from '../../support/api.ts';

const head = (lines: string): string => `${lines.trim().replaceAll('\n', '\r\n')}\r\n\r\n`;
const POST = (body: string, more = ''): string =>
  `${head(`POST /api/v1/log HTTP/1.1\nHost: x\nContent-Type: text/plain\nContent-Length: ${body.length}${more}`)}${body}`;

const malformed: [what: string, bytes: string, code: Parameters<typeof assertProblem>[1]][] = [
  ['no HTTP at all', 'hello\r\n\r\n', 'invalid-request'],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'invalid-request'],
  ['an unknown version', 'GET / HTTP/9.9\r\n\r\n', 'invalid-request'],
  ['a space in the path', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 'invalid-request'],
  ['no Host', 'GET /livez HTTP/1.1\r\n\r\n', 'invalid-request'],
  ['a field without a colon', 'GET / HTTP/1.1\r\nHost x\r\n\r\n', 'invalid-request'],
  ['a control character in a field', 'GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n', 'invalid-request'],
  ['a folded field', 'GET / HTTP/1.1\r\nHost: x\r\n A: b\r\n\r\n', 'invalid-request'],
  [
    'a length that is no number',
    head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Length: many'),
    'invalid-request',
  ],
  ['a length below 0', head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Length: -1'), 'invalid-request'],
  [
    'two lengths',
    head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Length: 1\nContent-Length: 2'),
    'invalid-request',
  ],
  [
    'a length and chunks, as smugglers send them',
    head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Length: 5\nTransfer-Encoding: chunked'),
    'invalid-request',
  ],
  [
    'a chunk whose size is no number',
    `${head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Type: text/plain\nTransfer-Encoding: chunked')}zz\r\n`,
    'invalid-request',
  ],
  [
    'endless chunk extensions',
    `${head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Type: text/plain\nTransfer-Encoding: chunked')}1;${'x'.repeat(20_000)}\r\n`,
    'body-too-large',
  ],
  [
    'header fields too large',
    `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`,
    'headers-too-large',
  ],
  ['a URL too long', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 'headers-too-large'],
  [
    'too many header fields',
    `GET / HTTP/1.1\r\nHost: x\r\n${'A: bcde\r\n'.repeat(5000)}\r\n`,
    'headers-too-large',
  ],
];

const half: typeof malformed = [
  ['two Hosts', 'GET /livez HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n', 'invalid-request'],
  ['two content types', POST('["a"]', '\nContent-Type: application/json'), 'invalid-request'],
  [
    'two credentials',
    'GET /livez HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n',
    'invalid-request',
  ],
  [
    'a transfer coding besides chunked',
    `${head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Type: text/plain\nTransfer-Encoding: gzip, chunked')}1\r\na\r\n0\r\n\r\n`,
    'unsupported-transfer-coding',
  ],
];

test('what Node would take by half is refused', async (t) => {
  const api = await startApi(t);
  for (const [what, bytes, code] of half)
    await t.test(`${what}: ${code}`, async () => {
      const client = new RawClient(api.port);
      client.write(bytes);
      await until('it is answered', () => client.answers.length === 1);
      assertProblem(client.answers[0]!, code);
      client.socket.destroy();
    });
  assert.deepEqual(api.service.values, []);
});

test('what is not HTTP as it should be is answered with its code and the connection closed', async (t) => {
  const api = await startApi(t, { bounds: { lingerMs: 50 } });
  for (const [what, bytes, code] of malformed)
    await t.test(`${what}: ${code}`, async () => {
      const client = new RawClient(api.port);
      client.write(bytes);
      await until('it is answered', () => client.answers.length > 0);
      if (what === 'no Host') client.socket.end();
      await client.closed();
      assert.equal(client.answers.length, 1, client.text);
      assertProblem(client.answers[0]!, code);
    });
  assert.equal(api.service.values.length, 0);
});

test('a field beyond the usual number of fields still counts', async (t) => {
  const api = await startApi(t);
  const client = new RawClient(api.port);
  const many = '\nA: b'.repeat(2400);
  client.write(POST('x', `${many}\nProducer-Id: 1`));
  await until('it is answered', () => client.answers.length === 1);
  assertProblem(client.answers[0]!, 'invalid-producer');
  client.socket.destroy();
});

test('header fields that drip in are cut off with 408', async (t) => {
  const api = await startApi(t, {
    bounds: { headersTimeoutMs: 100, requestTimeoutMs: 10_000, lingerMs: 50 },
  });
  const client = new RawClient(api.port);
  client.write('POST /api/v1/log HTTP/1.1\r\nHost: x\r\n');
  const drip = setInterval(() => client.write('A: b\r\n'), 20);
  t.after(() => clearInterval(drip));
  await until('it is answered', () => client.answers.length === 1);
  assertProblem(client.answers[0]!, 'request-timeout');
  await client.closed();
});

test('a body that drips in is cut off with 408, and nothing of it is stored', async (t) => {
  const api = await startApi(t, { bounds: { headersTimeoutMs: 200, requestTimeoutMs: 200, lingerMs: 50 } });
  const client = new RawClient(api.port);
  client.write(head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Type: text/plain\nContent-Length: 10000'));
  const drip = setInterval(() => client.write('x'), 20);
  t.after(() => clearInterval(drip));
  await until('it is answered', () => client.answers.length === 1);
  assertProblem(client.answers[0]!, 'request-timeout');
  await client.closed();
  assert.deepEqual(api.service.values, []);
  await until('its append is counted', () => api.appends.length === 1);
});

test('what a logger that stood still finds after its answer 408 is not stored, though it makes the request whole', async (t) => {
  const api = await startApi(t, {
    bounds: { headersTimeoutMs: 100, requestTimeoutMs: 100, timeoutCheckMs: 50, lingerMs: 500 },
  });
  const request = POST('late');
  for (const begun of ['', request.slice(0, 20), request.slice(0, -1)]) {
    const client = new RawClient(api.port);
    await once(client.socket, 'connect');
    client.write(begun);
    await sleep(20);
    await standStill(200, () => client.write(request.slice(begun.length)));
    await client.closed();
    assert.equal(client.answers.length, 1, client.text);
    assertProblem(client.answers[0]!, 'request-timeout');
    assert.deepEqual(api.service.values, []);
  }
});

/** In the part of a turn that its timers follow, so that they fire before anything is read. `first` is called before. */
const standStill = (ms: number, first: () => void): Promise<void> =>
  new Promise((over) =>
    setImmediate(() => {
      first();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
      over();
    }),
  );

test('half a request whose client leaves stores nothing and frees what it held', async (t) => {
  const api = await startApi(t, { limits: { bufferedBytes: LIMITS.recordBytes } });
  for (let time = 0; time < 3; time += 1) {
    const client = new RawClient(api.port);
    const length = LIMITS.recordBytes;
    client.write(head(`POST /api/v1/log HTTP/1.1\nHost: x\nContent-Length: ${length}\nExpect: 100-continue`));
    await until('its body is wanted', () => client.text.startsWith('HTTP/1.1 100 '));
    await new Promise((sent) => client.socket.write('x'.repeat(length - 1), sent));
    client.socket.destroy();
    await until('it is given up', () => api.appends.length === time + 1);
  }
  const client = new RawClient(api.port);
  client.write(POST('x'.repeat(LIMITS.recordBytes)));
  await until('there is room for a whole one', () => client.answers.length === 1);
  assert.equal(client.answers[0]?.status, 200);
  assert.equal(api.service.values.length, 1);
  client.socket.destroy();
});

test('a request halved by its client’s end of sending is refused', async (t) => {
  const api = await startApi(t);
  const client = new RawClient(api.port);
  client.socket.end(POST('hello').slice(0, -1));
  await client.closed();
  assertProblem(client.answers[0]!, 'invalid-request');
  assert.deepEqual(api.service.values, []);
});

test('pipelined appends are stored and answered in order', async (t) => {
  const api = await startApi(t);
  const client = new RawClient(api.port);
  const bodies = Array.from({ length: 200 }, (_, index) => `Message: ${index}`);
  client.write(bodies.map((body) => POST(body)).join(''));
  await until('all are answered', () => client.answers.length === bodies.length);
  assert.deepEqual(api.service.values, bodies);
  assert.deepEqual(
    client.answers.map(({ text }) => JSON.parse(text).offset),
    bodies.map((_, index) => index),
  );
  client.socket.destroy();
});

test('garbage behind an append that is under way does not take the place of its answer', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const client = new RawClient(api.port);
  client.write(`${POST('a')}${POST('b')}garbage\r\n\r\n`);
  await until('both are appended', () => api.service.values.length === 2);
  assert.equal(client.text, '');
  api.service.commitTo();
  await client.closed();
  assert.deepEqual(
    client.answers.map(({ status, text }) => [status, JSON.parse(text).offset]),
    [
      [200, 0],
      [200, 1],
    ],
  );
});

test('a client that asks first sends its body only when it is wanted', async (t) => {
  const api = await startApi(t);
  const asking = head(
    'POST /api/v1/log HTTP/1.1\nHost: x\nContent-Type: text/plain\nContent-Length: 5\nExpect: 100-continue',
  );
  const wanted = new RawClient(api.port);
  wanted.write(asking);
  await until('it is told to go on', () => wanted.text === 'HTTP/1.1 100 Continue\r\n\r\n');
  wanted.write('hello');
  await until('it is answered', () => wanted.text.includes('"offset":0'));
  wanted.socket.destroy();

  api.service.follow({ id: 'logger-1', api: 'http://leader.test' });
  const unwanted = new RawClient(api.port);
  unwanted.write(asking);
  const text = await unwanted.closed();
  assert.match(text, /^HTTP\/1.1 307 /);
  assert.match(text, /location: http:\/\/leader.test\/api\/v1\/log\r\n/);
  assert.match(text, /connection: close\r\n/);
  assert.deepEqual(api.service.values, ['hello']);
});

test('an expectation that nobody knows is not met with silence', async (t) => {
  const api = await startApi(t);
  const client = new RawClient(api.port);
  client.write(POST('a', '\nExpect: wonders'));
  await until('it is answered', () => client.answers.length === 1);
  assert.equal(client.answers[0]?.status, 200);
  client.socket.destroy();
});

test('an early answer reaches a client that is still sending, and the connection is used on', async (t) => {
  const api = await startApi(t);
  const client = new RawClient(api.port);
  const size = LIMITS.bodyBytes;
  client.write(head(`PUT /api/v1/log HTTP/1.1\nHost: x\nContent-Length: ${size}`));
  await until('it is answered', () => client.answers.length === 1);
  assertProblem(client.answers[0]!, 'method-not-allowed');
  client.write('x'.repeat(size) + POST('a'));
  await until('the next is answered', () => client.answers.length === 2);
  assert.equal(client.answers[1]?.status, 200);
  client.socket.destroy();
});

test('after an early answer an endless body is not taken for ever: neither in bytes nor in time', async (t) => {
  const api = await startApi(t, { bounds: { lingerMs: 300 } });
  const warnings: string[] = [];
  const warned = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const endless = head('PUT /api/v1/log HTTP/1.1\nHost: x\nTransfer-Encoding: chunked');
  const fast = new RawClient(api.port);
  fast.write(endless);
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  const flood = setInterval(() => fast.write(chunk), 1);
  t.after(() => clearInterval(flood));
  const small = new RawClient(api.port);
  small.write(endless + chunk.repeat(5) + '1\r\nx\r\n'.repeat(1000));
  const slow = new RawClient(api.port);
  slow.write(endless);
  await Promise.all([fast.closed(), small.closed(), slow.closed()]);
  for (const { answers } of [fast, small, slow]) assertProblem(answers[0]!, 'method-not-allowed');
  assert.deepEqual(warnings, []);
});

test('a chunked body beyond the limit is refused where it passes it', async (t) => {
  const api = await startApi(t, { bounds: { lingerMs: 300 } });
  const client = new RawClient(api.port);
  client.write(
    head('POST /api/v1/log HTTP/1.1\nHost: x\nContent-Type: application/json\nTransfer-Encoding: chunked'),
  );
  for (let sent = 0; sent <= LIMITS.bodyBytes; sent += 0x1000)
    client.write(`1000\r\n${' '.repeat(0x1000)}\r\n`);
  await until('it is answered', () => client.answers.length === 1);
  assertProblem(client.answers[0]!, 'body-too-large');
  client.socket.destroy();
});

test('a proxy’s absolute URL is routed, and redirected, by its path', async (t) => {
  const api = await startApi(t);
  api.service.follow({ id: 'logger-1', api: 'http://leader.test' });
  const client = new RawClient(api.port);
  client.write(head('POST http://any.test/api/v1/log HTTP/1.1\nHost: any.test\nContent-Length: 0'));
  await client.closed();
  assert.equal(client.answers[0]?.headers.location, 'http://leader.test/api/v1/log');
});

test('with all places taken by idle connections, probes are answered and all else is refused', async (t) => {
  const api = await startApi(t, { bounds: { maxConnections: 20, spareConnections: 4 } });
  const idle = Array.from({ length: 30 }, () => new RawClient(api.port));
  await until(
    'those beyond the spare ones are closed',
    () => idle.filter(({ socket }) => socket.closed).length === 6,
  );
  for (const path of ['/livez', '/readyz', '/metrics']) {
    const answer = await send(api.url + path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers.connection, 'close');
  }
  const refused = await post(api, 'x');
  assertProblem(refused, 'overloaded');
  assert.equal(refused.headers['retry-after'], '1');
  const upgrade = { connection: 'upgrade', upgrade: 'websocket' };
  assertProblem(await send(`${api.url}/api/v1/log/stream`, { headers: upgrade }), 'overloaded');
  assert.deepEqual(api.service.values, []);
  for (const { socket } of idle) socket.destroy();
  await until('they are gone', () => api.api.connections === 0);
  assert.equal((await post(api, 'x')).status, 200);
});

test('a client that ends its side behind its request has its answer, and what waits is not waited for', async (t) => {
  const api = await startApi(t);
  api.service.fill('a');
  const asked = async (bytes: string): Promise<string> => {
    const client = new RawClient(api.port);
    client.socket.end(bytes);
    return client.closed();
  };
  api.service.commitsAtOnce = false;
  const answer = asked(POST('b'));
  await until('it is appended', () => api.service.values.length === 2);
  // The end of its side arrives before the commit.
  await sleep(20);
  api.service.commitTo();
  assert.match(await answer, /^HTTP\/1.1 200 .*{"offset":1,/s);
  const get = (path: string, more = ''): string => head(`GET ${path} HTTP/1.1\nHost: x${more}`);
  assert.match(await asked(get('/livez') + get('/api/v1/log?limit=1')), /"ok":true.*"value":"a"/s);
  assert.match(await asked(get('/api/v1/log?offset=2&wait=60s')), /log-next-offset: 2/);
  assert.match(await asked(get('/api/v1/log?offset=2', '\nAccept: text/event-stream')), /retry: 1000/);
  await until('no connection is left', () => api.api.connections === 0);
});

test('one address does not take the places of all others', async (t) => {
  const api = await startApi(t, {
    bounds: { maxConnections: 20, maxConnectionsPerAddress: 3, spareConnections: 1 },
  });
  const idle = Array.from({ length: 3 }, () => new RawClient(api.port));
  await until('they are seen', () => api.api.connections === 3);
  assertProblem(await post(api, 'x'), 'overloaded');
  const other = connect({ port: api.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  other.write(POST('from elsewhere'));
  await until('another address is served', () => api.service.values.length === 1);
  other.destroy();
  idle[0]?.socket.destroy();
  await until('a place is free', () => api.api.connections === 2);
  assert.equal((await post(api, 'x')).status, 200);
  for (const { socket } of idle) socket.destroy();
});

test('connections that come all at once find a place to wait', {
  skip: platform() !== 'linux',
}, async (t) => {
  const api = await startApi(t);
  const allowed = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
  const wanted = Math.min(1000, allowed);
  // In one turn of the event loop, in which none of them is taken: the kernel connects them, and shows how many wait. The API then
  // resets those that have gone, or takes them first: both end a socket here, and neither is what is asked.
  const sockets = Array.from({ length: wanted }, () => connect(api.port, '127.0.0.1').on('error', () => {}));
  await new Promise((connecting) => process.nextTick(connecting));
  const waiting = waitingAt(api.port);
  for (const socket of sockets) socket.destroy();
  assert.equal(waiting, wanted);
});

/** How many connections wait to be taken: what the kernel tells of the listeners as their receive queues. */
function waitingAt(port: number): number {
  const listening = new RegExp(
    `:${port.toString(16).toUpperCase().padStart(4, '0')} 0{8}:0000 0A \\w{8}:(\\w{8})`,
    'g',
  );
  const all = [...readFileSync('/proc/net/tcp', 'utf8').matchAll(listening)];
  return all.reduce((sum, [, queue = '']) => sum + Number.parseInt(queue, 16), 0);
}

test('one turn of the event loop takes several new connections', {
  skip: platform() !== 'linux',
}, async (t) => {
  const api = await startApi(t);
  const clients = Array.from({ length: 100 }, () => new RawClient(api.port));
  t.after(() => {
    for (const { socket } of clients) socket.destroy();
  });
  let turns = 0;
  // The first turn begins when the kernel has connected them all.
  for (await nextTurn(); api.api.connections < clients.length; turns += 1) await nextTurn();
  assert.ok(turns < clients.length / 2, `${turns} turns`);
});

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('two APIs do not share a port unnoticed', async (t) => {
  const { port } = await startApi(t);
  await assert.rejects(startApi(t, { port }), { code: 'EADDRINUSE' });
});

test('an idle connection is closed after the keep-alive timeout', async (t) => {
  const api = await startApi(t, { bounds: { keepAliveTimeoutMs: 50 } });
  const client = new RawClient(api.port);
  client.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.closed();
  assert.equal(client.answers[0]?.status, 200);
});

test('a wait of ours is not a stall: an append that takes longer is answered', async (t) => {
  const api = await startApi(t, { bounds: { stallTimeoutMs: 100 } });
  api.service.commitsAtOnce = false;
  const waiting = new RawClient(api.port);
  waiting.write(POST('a'));
  const silent = new RawClient(api.port);
  await silent.closed();
  assert.equal(waiting.socket.closed, false);
  api.service.commitTo();
  await until('it is answered', () => waiting.answers.length === 1);
  assert.equal(waiting.answers[0]?.status, 200);
  waiting.socket.destroy();
});
