// Batches on an append stream and their answers, and streams that end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH_TYPE } from '../../../src/api/media.ts';
import {
  STREAM_MESSAGE_BYTES,
  STREAM_PROTOCOL,
  type StreamRefusal,
} from '../../../src/api/stream-protocol.ts';
import { type ErrorCode, LoggerError } from '../../../src/errors.ts';
import { assertProblem, LIMITS, post, type RunningApi, send, startApi, until } from '../../support/api.ts';
import { Authority } from '../../support/authority.ts';
import {
  BINARY,
  batchOf,
  frame,
  openRawStream,
  openStream,
  type StreamClient,
  TEXT,
} from '../../support/stream-client.ts';

const GOING_AWAY_FRAME = '\x88\x02\x03\xe9';
const stamp = (sequence: number, epoch = 0) => ({ id: 7n, epoch, sequence });
const isRefusal = (answer: object | undefined): answer is StreamRefusal =>
  answer !== undefined && 'status' in answer;

/** Asserts that an answer is a refusal with a whole problem document of this code. */
function assertRefused(answer: object | undefined, code: ErrorCode): void {
  assert.ok(isRefusal(answer), JSON.stringify(answer));
  assertProblem({ ...answer, text: JSON.stringify(answer.body) }, code);
}

/** Asserts that an answer says what a POST of the same batch is answered. */
async function assertAsPost(answer: object, api: RunningApi, batch: Buffer): Promise<void> {
  const { status, headers, text } = await post(api, batch, { 'content-type': BATCH_TYPE });
  if (!isRefusal(answer)) return assert.deepEqual([200, answer], [status, JSON.parse(text)]);
  assert.deepEqual([answer.status, answer.body], [status, JSON.parse(text)]);
  const own = Object.keys(answer.headers);
  assert.ok(own.includes('content-type'));
  assert.deepEqual(answer.headers, Object.fromEntries(own.map((name) => [name, headers[name]])));
}

/** What this process sent before has been read when this resolves: it came before these requests. */
async function readSoFar({ url }: RunningApi): Promise<void> {
  for (let time = 0; time < 3; time += 1) await send(`${url}/livez`);
}

/** An append as large as all the memory set aside for bodies, where that is what a record may have. */
const fillsBudget = (api: RunningApi) => post(api, 'x'.repeat(LIMITS.recordBytes));
const SMALL_BUDGET = { limits: { bufferedBytes: LIMITS.recordBytes } };

test('a batch is stored as its records, and answered where they are', async (t) => {
  const api = await startApi(t);
  const stream = await openStream(t, api);
  assert.equal(stream.ws.protocol, STREAM_PROTOCOL);
  assert.deepEqual(await stream.ask(batchOf(['a', 'b'])), { offset: 0, count: 2, epoch: 1 });
  assert.deepEqual(await stream.ask(batchOf(['c'])), { offset: 2, count: 1, epoch: 1 });
  assert.deepEqual(api.service.values, ['a', 'b', 'c']);
});

test('a batch in fragments is one batch, whatever pings come between', async (t) => {
  const api = await startApi(t);
  const stream = await openStream(t, api);
  const batch = batchOf(['a']);
  stream.ws.send(batch.subarray(0, 10), { binary: true, fin: false });
  stream.ws.ping('still here');
  stream.ws.send(batch.subarray(10), { binary: true, fin: true });
  await stream.answered(1);
  assert.deepEqual(api.service.values, ['a']);
});

test('pipelined batches are stored and answered in their order', async (t) => {
  const api = await startApi(t);
  const stream = await openStream(t, api);
  const values = Array.from({ length: 200 }, (_, index) => `Message: ${index}`);
  stream.send(...values.map((value) => batchOf([value])));
  await stream.answered(values.length);
  assert.deepEqual(api.service.values, values);
  assert.deepEqual(stream.offsets, [...values.keys()]);
});

test('the answer waits for the commit, and those behind it for their turn', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const stream = await openStream(t, api);
  stream.send(batchOf(['a']), 'refused at once', batchOf(['b']));
  await until('the second is judged', () => api.appends.length === 1);
  await until('both batches are appended', () => api.service.values.length === 2);
  // An answer sent too early would come before this one.
  await readSoFar(api);
  assert.deepEqual(stream.answers, []);
  api.service.commitTo(1);
  await stream.answered(2);
  assert.equal(stream.offsets[0], 0);
  assertRefused(stream.answers[1], 'invalid-request');
  api.service.commitTo();
  await stream.answered(3);
  assert.equal(stream.offsets[2], 1);
});

test('a stamped batch is stored once, and what is not next is refused, as by a POST', async (t) => {
  const api = await startApi(t);
  const stream = await openStream(t, api);
  const first = await stream.ask(batchOf(['a'], stamp(0, 1)));
  assert.deepEqual(await stream.ask(batchOf(['a'], stamp(0, 1))), first);
  await assertAsPost(first, api, batchOf(['a'], stamp(0, 1)));
  for (const [code, batch] of [
    ['sequence-gap', batchOf(['c'], stamp(9, 1))],
    ['sequence-conflict', batchOf(['b'], stamp(0, 1))],
    ['producer-fenced', batchOf(['b'], stamp(1, 0))],
  ] as const) {
    const answer = await stream.ask(batch);
    assertRefused(answer, code);
    await assertAsPost(answer, api, batch);
  }
  assert.deepEqual(await stream.ask(batchOf(['b'], stamp(1, 1))), { offset: 1, count: 1, epoch: 1 });
  assert.deepEqual(api.service.values, ['a', 'b']);
});

test('what is no batch, or too large, is refused as by a POST, and the stream goes on', async (t) => {
  const api = await startApi(t);
  const stream = await openStream(t, api);
  const damaged = batchOf(['a']);
  damaged[61] = 0;
  const record = 'x'.repeat(LIMITS.recordBytes);
  for (const [code, batch] of [
    ['invalid-batch', Buffer.from('hello')],
    ['invalid-batch', Buffer.alloc(0)],
    ['invalid-batch', damaged],
    ['invalid-batch', Buffer.concat([batchOf(['a']), batchOf(['b'])])],
    ['record-too-large', batchOf(['a', `${record}x`])],
    ['body-too-large', batchOf(Array(5).fill(record))],
  ] as const) {
    const answer = await stream.ask(batch);
    assertRefused(answer, code);
    await assertAsPost(answer, api, batch);
  }
  assertRefused(await stream.ask('a text'), 'invalid-request');
  assert.deepEqual(api.service.values, []);
  assert.deepEqual(await stream.ask(batchOf(['a'])), { offset: 0, count: 1, epoch: 1 });
});

test('a batch of more records than one may have is refused', async (t) => {
  const api = await startApi(t, { bounds: { maxRecordsPerAppend: 2 } });
  const stream = await openStream(t, api);
  const batch = batchOf(['a', 'b', 'c']);
  const answer = await stream.ask(batch);
  assertRefused(answer, 'body-too-large');
  await assertAsPost(answer, api, batch);
});

for (const code of ['overloaded', 'too-many-requests', 'disk-full'] as const)
  test(`what the logger refuses as ${code} is answered as by a POST, with a time to come back`, async (t) => {
    const api = await startApi(t);
    const stream = await openStream(t, api);
    api.service.refusal = new LoggerError(code);
    const answer = await stream.ask(batchOf(['a']));
    assertRefused(answer, code);
    api.service.refusal = new LoggerError(code);
    await assertAsPost(answer, api, batchOf(['a']));
    assert.ok(isRefusal(answer) && Number(answer.headers['retry-after']) > 0);
  });

test('a fault of the logger is internal; its words go to the log, not to the client', async (t) => {
  const api = await startApi(t, { expectsErrors: true });
  const stream = await openStream(t, api);
  api.service.refusal = new Error('secret');
  const answer = await stream.ask(batchOf(['a']));
  assertRefused(answer, 'internal');
  assert.doesNotMatch(JSON.stringify(answer), /secret/);
  assert.match(api.errors.join(''), /secret/);
});

test('leadership that is lost: batches are sent on to the leader as by a POST, or told that there is none', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const stream = await openStream(t, api);
  stream.send(batchOf(['a']));
  await until('it is appended', () => api.service.values.length === 1);
  api.service.follow({ id: 'logger-1', api: 'http://leader.test:8080/base' });
  await stream.answered(1);
  assertRefused(stream.answers[0], 'outcome-unknown');
  const elsewhere = await stream.ask(batchOf(['b']));
  assert.ok(isRefusal(elsewhere));
  assert.equal(elsewhere.status, 307);
  assert.equal(elsewhere.headers.location, 'http://leader.test:8080/base/api/v1/log');
  await assertAsPost(elsewhere, api, batchOf(['b']));
  api.service.follow(null);
  const nowhere = await stream.ask(batchOf(['b']));
  assertRefused(nowhere, 'no-leader');
  await assertAsPost(nowhere, api, batchOf(['b']));
  api.service.lead();
  api.service.commitsAtOnce = true;
  assert.deepEqual(await stream.ask(batchOf(['b'])), { offset: 1, count: 1, epoch: 2 });
});

test('a batch that comes while nobody leads waits for what a POST waits for', async (t) => {
  const api = await startApi(t);
  const stream = await openStream(t, api);
  api.service.follow(null);
  api.service.leaderKnown = async () => api.service.lead();
  assert.deepEqual(await stream.ask(batchOf(['a'])), { offset: 0, count: 1, epoch: 2 });
});

test('32 batches without an answer: the next is read after one', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const stream = await openStream(t, api);
  const appended = () => api.service.values.length;
  stream.send(...Array.from({ length: 31 }, (_, index) => batchOf([`${index}`])));
  await until('31 are appended', () => appended() === 31);
  stream.send(batchOf(['31']));
  await until('one more is', () => appended() === 32);
  stream.send(batchOf(['32']));
  await readSoFar(api);
  assert.equal(appended(), 32);
  api.service.commitTo(1);
  await until('there is room for the next', () => appended() === 33);
  api.service.commitTo();
  await stream.answered(33);
  assert.deepEqual(stream.offsets, [...Array(33).keys()]);
});

test('appends are counted by code, records and bytes', async (t) => {
  const api = await startApi(t);
  const stream = await openStream(t, api);
  const batch = batchOf(['a', 'b']);
  await stream.ask(batch);
  await stream.ask('text');
  await stream.ask(Buffer.from('hello'));
  await stream.ask(batchOf(['a'], stamp(9)));
  api.service.follow({ id: 'logger-1', api: 'http://leader.test' });
  await stream.ask(batch);
  api.service.lead();
  api.service.commitsAtOnce = false;
  stream.send(batch);
  await until('it is appended', () => api.service.values.length === 4);
  stream.ws.terminate();
  await until('its client is gone', () => api.api.connections === 0);
  api.service.commitTo();
  await until('all are counted', () => api.appends.length === 6);
  assert.deepEqual(
    api.appends.map(({ code, records, bytes }) => ({ code, records, bytes })),
    [
      { code: 'ok', records: 2, bytes: batch.length },
      { code: 'invalid-request', records: 0, bytes: 4 },
      { code: 'invalid-batch', records: 0, bytes: 5 },
      { code: 'sequence-gap', records: 1, bytes: batchOf(['a']).length },
      { code: 'redirected', records: 0, bytes: batch.length },
      { code: 'left', records: 2, bytes: batch.length },
    ],
  );
  assert.ok(api.appends.every(({ seconds }) => seconds >= 0));
});

test('a message over the limit closes the stream with a code that says so, and costs the others nothing', async (t) => {
  const api = await startApi(t);
  const stream = await openStream(t, api);
  stream.send(Buffer.alloc(STREAM_MESSAGE_BYTES + 1));
  assert.equal(await stream.closed(), 1009);
  await until('its connection is gone', () => api.api.connections === 0);
  assert.deepEqual(api.appends, []);
});

test('what still comes of a message over the limit is charged to nobody', async (t) => {
  const api = await startApi(t, SMALL_BUDGET);
  const client = await openRawStream(t, api);
  // It goes on sending after the logger's end.
  client.socket.allowHalfOpen = true;
  client.write(frame(BINARY, Buffer.alloc(STREAM_MESSAGE_BYTES + 1)).subarray(0, 14));
  await until('it is closed for that', () => client.text.endsWith('\x88\x02\x03\xf1'));
  client.write(Buffer.alloc(LIMITS.recordBytes));
  await readSoFar(api);
  assert.equal((await fillsBudget(api)).status, 200);
  assert.equal(api.api.connections, 1);
});

test('a batch on its way is charged to the memory set aside for bodies until it is answered, and then no more', async (t) => {
  const api = await startApi(t, SMALL_BUDGET);
  api.service.commitsAtOnce = false;
  const stream = await openStream(t, api);
  stream.send(batchOf(['x']));
  await until('it is appended', () => api.service.values.length === 1);
  assertProblem(await fillsBudget(api), 'overloaded');
  api.service.commitTo();
  await stream.answered(1);
  api.service.commitsAtOnce = true;
  assert.equal((await fillsBudget(api)).status, 200);
});

test('so is a part of a message, until its client leaves', async (t) => {
  const api = await startApi(t, SMALL_BUDGET);
  const client = await openRawStream(t, api);
  client.write(frame(BINARY, Buffer.alloc(1000)).subarray(0, 500));
  await readSoFar(api);
  assertProblem(await fillsBudget(api), 'overloaded');
  client.socket.destroy();
  await until('it is gone', () => api.api.connections === 0);
  assert.equal((await fillsBudget(api)).status, 200);
});

test('more bytes than there is memory for end the stream, and nothing of them is stored', async (t) => {
  const api = await startApi(t, SMALL_BUDGET);
  for (const sizes of [[2 * LIMITS.recordBytes], Array(20).fill(1000)]) {
    const client = await openRawStream(t, api);
    const batches = sizes.map((size) => frame(BINARY, batchOf(['x'.repeat(size)])));
    client.write(Buffer.concat(batches));
    await client.closed();
    await until('it is gone', () => api.api.connections === 0);
    assert.deepEqual(api.service.values, []);
  }
  assert.equal((await fillsBudget(api)).status, 200);
});

test('a message that stops in the middle ends the stream, and its bytes come back', async (t) => {
  const api = await startApi(t, { ...SMALL_BUDGET, bounds: { requestTimeoutMs: 100 } });
  const client = await openRawStream(t, api);
  client.write(frame(BINARY, Buffer.alloc(1000)).subarray(0, 500));
  await client.closed();
  assert.deepEqual(api.appends, []);
  assert.equal((await fillsBudget(api)).status, 200);
});

test('pings are no part of a message: neither in time nor in bytes', async (t) => {
  const api = await startApi(t, { ...SMALL_BUDGET, bounds: { requestTimeoutMs: 100 } });
  const stream = await openStream(t, api);
  let pongs = 0;
  stream.ws.on('pong', () => {
    pongs += 1;
  });
  // More of them at once would be taken for a flood.
  for (let sent = 50; sent <= 200; sent += 50) {
    for (let ping = 0; ping < 50; ping += 1) stream.ws.ping('x'.repeat(100));
    await until('they are answered', () => pongs === sent);
  }
  stream.ws.pong();
  // Later than the pings, so that they would have been cut off before this one.
  const half = await openRawStream(t, api);
  half.write(frame(BINARY, Buffer.alloc(1000)).subarray(0, 500));
  await half.closed();
  assert.deepEqual(await stream.ask(batchOf(['a'])), { offset: 0, count: 1, epoch: 1 });
});

test('an idle stream is closed, one that waits for us is not', async (t) => {
  const api = await startApi(t, { bounds: { keepAliveTimeoutMs: 100 } });
  api.service.commitsAtOnce = false;
  const waiting = await openStream(t, api);
  waiting.send(batchOf(['a']));
  await until('it is appended', () => api.service.values.length === 1);
  const idle = await openStream(t, api);
  assert.equal(await idle.closed(), 1000);
  assert.equal(waiting.closeCode, null);
  api.service.commitTo();
  await waiting.answered(1);
  assert.equal(await waiting.closed(), 1000);
});

test('a client that never reads its answers is cut off, and counted once', async (t) => {
  const api = await startApi(t);
  const client = await openRawStream(t, api);
  client.socket.pause();
  const refused = Buffer.concat(Array(32).fill(frame(TEXT, Buffer.from('x'))));
  const flood = setInterval(() => client.write(refused), 0);
  t.after(() => clearInterval(flood));
  await until('it is cut off', () => api.api.connections === 0);
  assert.equal(api.slowReaders(), 1);
});

test('stepping down closes an idle stream at once, and one with batches under way behind their answers', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const [idle, busy] = [await openStream(t, api), await openStream(t, api)];
  busy.send(batchOf(['a']), batchOf(['b']));
  await until('both are appended', () => api.service.values.length === 2);
  api.api.closeConnections();
  assert.equal(await idle.closed(), 1001);
  api.service.commitTo(1);
  await busy.answered(1);
  await readSoFar(api);
  assert.equal(busy.closeCode, null);
  api.service.commitTo();
  assert.equal(await busy.closed(), 1001);
  assert.deepEqual(busy.offsets, [0, 1]);
  const fresh = await openStream(t, api);
  api.service.commitsAtOnce = true;
  assert.deepEqual(await fresh.ask(batchOf(['c'])), { offset: 2, count: 1, epoch: 1 });
});

test('closing waits for the batches under way, and refuses those that come', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const [idle, busy] = [await openStream(t, api), await openStream(t, api)];
  busy.send(batchOf(['a']));
  await until('it is appended', () => api.service.values.length === 1);
  const closed = api.api.close(60_000);
  assert.equal(await idle.closed(), 1001);
  busy.send(batchOf(['b']));
  await until('it is judged', () => api.appends.length === 1);
  api.service.commitTo();
  await closed;
  assert.equal(await busy.closed(), 1001);
  assert.equal(busy.offsets[0], 0);
  assertRefused(busy.answers[1], 'shutting-down');
  assert.deepEqual(api.service.values, ['a']);
});

test('closing cuts off at its deadline a batch whose answer does not come', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const stream = await openStream(t, api);
  stream.send(batchOf(['a']));
  await until('it is appended', () => api.service.values.length === 1);
  await api.api.close(50);
  assert.equal(await stream.closed(), 1006);
});

for (const [how, end] of [
  ['stepping down', (api: RunningApi) => api.api.closeConnections()],
  ['closing', (api: RunningApi) => void api.api.close(60_000)],
] as const)
  test(`${how}: a client that does not answer the close is cut off, and what it still sends is not stored`, async (t) => {
    const api = await startApi(t, { bounds: { lingerMs: 100 } });
    const client = await openRawStream(t, api);
    end(api);
    await until('it is told', () => client.text.endsWith(GOING_AWAY_FRAME));
    client.write(frame(BINARY, batchOf(['a'])));
    await client.closed();
    await until('it is gone', () => api.api.connections === 0);
    assert.deepEqual(api.service.values, []);
  });

test('a stream goes over TLS as well', async (t) => {
  const authority = await Authority.make('ours');
  const tls = await authority.certificate('logger');
  const api = await startApi(t, { tls: () => tls });
  const stream: StreamClient = await openStream(t, api, { ca: authority.ca });
  assert.deepEqual(await stream.ask(batchOf(['a'])), { offset: 0, count: 1, epoch: 1 });
  api.api.closeConnections();
  assert.equal(await stream.closed(), 1001);
});
