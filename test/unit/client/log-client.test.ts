import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientError, LogClient } from '../../../src/client/index.ts';
import {
  answer,
  type Owner,
  problem,
  type Received,
  redirect,
  reset,
  ScriptedLogger,
  type Step,
  silence,
} from './scripted-logger.ts';

function clientFor(owner: Owner, target: string | readonly string[]): LogClient {
  const client = new LogClient({ target, retryMaxMs: 50, requestTimeoutMs: 5_000 });
  owner.after(() => client.close());
  return client;
}

const row = (offset: number): object => ({ offset, timestamp: 1000 + offset, epoch: 1, value: `v${offset}` });
const recordAt = (offset: number): object => ({
  offset,
  timestampMs: 1000 + offset,
  epoch: 1,
  key: null,
  value: `v${offset}`,
});

/** Serves rows as a logger with `commit` records does; `cutAfter` breaks the answer off after that many. */
const log =
  (commit: number, { cutAfter = Number.POSITIVE_INFINITY } = {}): Step =>
  ({ url, response }) => {
    const query = new URL(url, 'http://x').searchParams;
    const given = query.get('offset') ?? 'earliest';
    const from = given === 'earliest' ? 0 : Number(given);
    const limit = Number(query.get('limit') ?? '1000');
    if (query.get('wait') && from >= commit) return; // a long-poll that ends with nothing here
    const to = Math.min(commit, from + limit);
    const offsets = Array.from({ length: to - from }, (_, at) => from + at);
    response.writeHead(200, { 'log-commit': String(commit), 'log-next-offset': String(to) });
    response.write(
      offsets
        .slice(0, cutAfter)
        .map((offset) => `${JSON.stringify(row(offset))}\n`)
        .join(''),
      () => (offsets.length > cutAfter ? response.socket?.resetAndDestroy() : response.end()),
    );
  };

test('reads records, and says where to go on', async (t) => {
  const logger = await ScriptedLogger.start(t, [], log(5));
  const read = await clientFor(t, logger.url).read({ offset: 1, limit: 2 });
  assert.deepEqual(read, { records: [recordAt(1), recordAt(2)], commit: 5, next: 3 });
  assert.equal(logger.received[0]?.url, '/api/v1/log?offset=1&limit=2');
});

test('keys and values that are not text come as bytes', async (t) => {
  const bytes = { offset: 0, timestamp: 1, epoch: 1, keyBase64: '/w==', base64: 'AAE=' };
  const headers = { 'log-commit': '1', 'log-next-offset': '1' };
  const logger = await ScriptedLogger.start(t, [answer(200, JSON.stringify(bytes).concat('\n'), headers)]);
  const { records } = await clientFor(t, logger.url).read();
  assert.deepEqual(records[0]?.key, Buffer.from([0xff]));
  assert.deepEqual(records[0]?.value, Buffer.from([0, 1]));
});

test('an answer that breaks off gives what came whole', async (t) => {
  const logger = await ScriptedLogger.start(t, [log(5, { cutAfter: 2 })]);
  const { records, next } = await clientFor(t, logger.url).read({ offset: 1 });
  assert.deepEqual(records, [recordAt(1), recordAt(2)]);
  assert.equal(next, 3);
});

test('a hole in the offsets is not believed', async (t) => {
  const headers = { 'log-commit': '3', 'log-next-offset': '3' };
  const hole = [row(0), row(2)].map((line) => `${JSON.stringify(line)}\n`).join('');
  const logger = await ScriptedLogger.start(t, [answer(200, hole, headers)], log(3));
  const { records } = await clientFor(t, logger.url).read();
  assert.equal(records.length, 3);
  assert.equal(logger.received.length, 2);
});

test('what the log does not have is a typed error, with what it does have', async (t) => {
  const logger = await ScriptedLogger.start(t, [problem('offset-gone', { first: 7, commit: 9 })]);
  await assert.rejects(
    clientFor(t, logger.url).read({ offset: 1 }),
    (error: unknown) =>
      error instanceof ClientError && error.code === 'offset-gone' && error.extra.first === 7,
  );
});

test('a linearizable read is sent to the leader', async (t) => {
  const leader = await ScriptedLogger.start(t, [], log(1));
  const follower = await ScriptedLogger.start(t, [redirect(() => leader.url)]);
  const { commit } = await clientFor(t, follower.url).read({ offset: 0, linearizable: true });
  assert.equal(commit, 1);
  assert.equal(leader.received[0]?.url, '/api/v1/log?offset=0&consistency=linearizable');
});

test('following goes on at another logger, without a hole and without a repetition', async (t) => {
  const [a, b] = [
    await ScriptedLogger.start(t, [log(2), reset], silence),
    await ScriptedLogger.start(t, [log(4, { cutAfter: 1 }), log(4)], silence),
  ];
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const { offset } of clientFor(t, [a.url, b.url]).follow({
    offset: 'earliest',
    signal: stop.signal,
  })) {
    seen.push(offset);
    if (offset === 3) stop.abort();
  }
  assert.deepEqual(seen, [0, 1, 2, 3]);
  assert.deepEqual(
    b.received.map(({ url }) => new URL(url, b.url).searchParams.get('offset')),
    ['2', '3'],
  );
});

test('following ends when its signal aborts during a long-poll', async (t) => {
  const logger = await ScriptedLogger.start(t, [log(1)], silence);
  const stop = new AbortController();
  const seen: number[] = [];
  const following = (async () => {
    for await (const { offset } of clientFor(t, logger.url).follow({ signal: stop.signal }))
      seen.push(offset);
  })();
  while (logger.received.length < 2) await new Promise(setImmediate);
  stop.abort();
  await following;
  assert.deepEqual(seen, [0]);
});

test('following moves on from a logger that has nothing new: it may be cut off', async (t) => {
  const empty: Step = ({ response }) =>
    void response.writeHead(200, { 'log-commit': '1', 'log-next-offset': '1' }).end();
  const cutOff = await ScriptedLogger.start(t, [log(1)], empty);
  const current = await ScriptedLogger.start(t, [], log(2));
  const seen: number[] = [];
  for await (const { offset } of clientFor(t, [cutOff.url, current.url]).follow()) {
    seen.push(offset);
    if (offset === 1) break;
  }
  assert.deepEqual(seen, [0, 1]);
});

test('status and transfer', async (t) => {
  const logger = await ScriptedLogger.start(t, [answer(202, { epoch: 8, to: 'logger-1' })]);
  logger.status = { id: 'logger-0', role: 'leader', epoch: 7 };
  const client = clientFor(t, logger.url);
  assert.equal((await client.status()).epoch, 7);
  assert.deepEqual(await client.transfer({ to: 'logger-1' }), { epoch: 8, to: 'logger-1' });
  assert.equal(logger.received[0]?.body.toString(), '{"to":"logger-1"}');
});

test('a transfer is not asked for twice when it is impossible or may have begun', async (t) => {
  const logger = await ScriptedLogger.start(t, [problem('transfer-impossible'), reset]);
  const client = clientFor(t, logger.url);
  const codes: unknown[] = [];
  for (let asked = 0; asked < 2; asked++)
    await client.transfer().catch((error: ClientError) => codes.push([error.code, error.outcome]));
  assert.deepEqual(codes, [
    ['transfer-impossible', 'none'],
    ['no-answer', 'unknown'],
  ]);
  assert.equal(logger.received.length, 2);
});

test('the answer to a transfer is awaited, also when it is known before who leads next', async (t) => {
  const next = await ScriptedLogger.start(t, [], log(1));
  const former = await ScriptedLogger.start(t, [answer(202, { epoch: 1, to: 'a' })], silence);
  next.status = { id: 'b', role: 'leader', epoch: 2, leader: { id: 'b', api: next.url } };
  const client = clientFor(t, [former.url, next.url]);
  await client.transfer();
  const transfer = client.transfer();
  while (former.received.length < 2) await new Promise(setImmediate);
  await client.read({ offset: 0, linearizable: true });
  answer(202, { epoch: 2, to: 'b' })(former.received[1] as Received);
  assert.deepEqual(await transfer, { epoch: 2, to: 'b' });
});

test('closing ends what is going on', async (t) => {
  const logger = await ScriptedLogger.start(t, [], silence);
  const client = new LogClient({ target: logger.url });
  const read = assert.rejects(client.read(), { code: 'aborted' });
  while (logger.received.length === 0) await new Promise(setImmediate);
  await client.close();
  await read;
});

test('a read that is given up in the middle of an attempt has no outcome that could be unknown', async (t) => {
  const logger = await ScriptedLogger.start(t, [], silence);
  const client = clientFor(t, logger.url);
  const ending = new AbortController();
  const reading = client.read({ signal: ending.signal });
  while (logger.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  ending.abort(new Error('enough'));
  await assert.rejects(reading, { code: 'aborted', outcome: 'none' });
  const handover = new AbortController();
  const transfer = client.transfer({ signal: handover.signal });
  while (logger.received.length === 1) await new Promise((resolve) => setTimeout(resolve, 5));
  handover.abort(new Error('enough'));
  await assert.rejects(transfer, { code: 'aborted', outcome: 'unknown' });
});

for (const [what, headers, rows] of [
  ['goes back', { 'log-commit': '9', 'log-next-offset': '2' }, []],
  ['skips records', { 'log-commit': '9', 'log-next-offset': '8' }, []],
  ['has an offset that is none', { 'log-commit': '9', 'log-next-offset': '8' }, [{ ...row(5), offset: 5.5 }]],
  ['has a time that is none', { 'log-commit': '9', 'log-next-offset': '6' }, [{ ...row(5), timestamp: -1 }]],
  ['has a row that is null', { 'log-commit': '9', 'log-next-offset': '6' }, [null]],
] as const)
  test(`an answer to a read that ${what} is asked for again`, async (t) => {
    const text = rows.map((one) => `${JSON.stringify(one)}\n`).join('');
    const lie: Step = ({ response }) => void response.writeHead(200, headers).end(text);
    const logger = await ScriptedLogger.start(t, [lie], log(6));
    const { records, next } = await clientFor(t, logger.url).read({ offset: 5 });
    assert.deepEqual([records, next], [[recordAt(5)], 6]);
    assert.equal(logger.received.length, 2);
  });

test('members of an answer that are there and make no sense are not handed out', async (t) => {
  const offsets = await ScriptedLogger.start(t, [answer(200, { offset: '5' }), answer(200, { offset: 5 })]);
  assert.equal(await clientFor(t, offsets.url).offsetAt(1), 5);
  const status = { id: 'a', role: 'leader', epoch: 1, offsets: { first: 0, commit: 1, end: 1 }, members: [] };
  const logger = await ScriptedLogger.start(t);
  logger.status = { ...status, members: [null] };
  const asked = clientFor(t, logger.url).status();
  setTimeout(() => {
    logger.status = status;
  }, 20);
  assert.deepEqual(await asked, status);
});
