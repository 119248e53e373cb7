import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { LoggerError } from '../../../src/errors.ts';
import { assertProblem, LIMITS, post, rowsOf, send, startApi, until } from '../../support/api.ts';

const stampOf = (sequence: number, epoch = 0, id = '9223372036854775807') => ({
  'producer-id': id,
  'producer-epoch': String(epoch),
  'producer-seq': String(sequence),
});
const TEXT = { 'content-type': 'text/plain' };

test('a raw body is one record, byte by byte, whatever its bytes', async (t) => {
  const api = await startApi(t);
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  for (const [type, body] of [
    ['text/plain', 'Message: 1'],
    ['text/plain; charset=iso-8859-1', Buffer.from([0xe9, 0x0a])],
    ['TEXT/PLAIN;charset=utf-8', '\ufeffé\r\n'],
    ['application/octet-stream', all],
  ] as const) {
    const answer = await post(api, body, { 'content-type': type });
    assert.equal(answer.status, 200, answer.text);
  }
  const untyped = await send(`${api.url}/api/v1/log`, { method: 'POST', body: all });
  assert.deepEqual(JSON.parse(untyped.text), { offset: 4, count: 1, epoch: 1 });

  const rows = rowsOf(await send(`${api.url}/api/v1/log`));
  assert.equal(rows[0]?.value, 'Message: 1');
  assert.deepEqual(Buffer.from(String(rows[1]?.base64), 'base64'), Buffer.from([0xe9, 0x0a]));
  assert.equal(rows[2]?.value, '\ufeffé\r\n');
  assert.deepEqual(Buffer.from(String(rows[3]?.base64), 'base64'), all);
  assert.deepEqual(Buffer.from(String(rows[4]?.base64), 'base64'), all);
});

test('JSON and NDJSON bodies hold one record per element or line', async (t) => {
  const api = await startApi(t);
  const json = '["a", {"value":"b","key":"k"}, {"base64":"/w==","keyBase64":"/g=="}, ""]';
  const array = await post(api, json, { 'content-type': 'application/json' });
  assert.deepEqual(JSON.parse(array.text), { offset: 0, count: 4, epoch: 1 });
  const lines = '"c\\n"\n\n{"value":"😀"}\r\n"e"';
  const ndjson = await post(api, lines, { 'content-type': 'application/x-ndjson' });
  assert.deepEqual(JSON.parse(ndjson.text), { offset: 4, count: 3, epoch: 1 });

  const rows = rowsOf(await send(`${api.url}/api/v1/log`)).map(({ timestamp: _, ...row }) => row);
  assert.deepEqual(rows, [
    { offset: 0, epoch: 1, value: 'a' },
    { offset: 1, epoch: 1, key: 'k', value: 'b' },
    { offset: 2, epoch: 1, keyBase64: '/g==', base64: '/w==' },
    { offset: 3, epoch: 1, value: '' },
    { offset: 4, epoch: 1, value: 'c\n' },
    { offset: 5, epoch: 1, value: '😀' },
    { offset: 6, epoch: 1, value: 'e' },
  ]);
});

test('sizes up to the limits are taken', async (t) => {
  const api = await startApi(t);
  assert.equal((await post(api, 'x'.repeat(LIMITS.recordBytes))).status, 200);
  const elements = ['x'.repeat(LIMITS.recordBytes), 'x'.repeat(LIMITS.recordBytes)];
  const padding = ' '.repeat(LIMITS.bodyBytes - JSON.stringify(elements).length);
  const whole = await post(api, JSON.stringify(elements) + padding, { 'content-type': 'application/json' });
  assert.equal(whole.status, 200);
});

test('the answer waits for the commit', async (t) => {
  const { service, ...api } = await startApi(t);
  service.commitsAtOnce = false;
  let answered = false;
  const answer = post(api, 'a').finally(() => {
    answered = true;
  });
  await until('the record is appended', () => service.values.length === 1);
  assert.equal(answered, false);
  service.commitTo();
  assert.deepEqual(JSON.parse((await answer).text), { offset: 0, count: 1, epoch: 1 });
});

test('a repeat is stored once and answered with the first offset; what is not next is refused by its code', async (t) => {
  const { service, ...api } = await startApi(t);
  const append = (body: string, stamp: Record<string, string>) => post(api, body, { ...TEXT, ...stamp });
  const first = await append('a', stampOf(0));
  const repeat = await append('a', stampOf(0));
  assert.equal(first.status, 200);
  assert.equal(repeat.text, first.text);
  assertProblem(await append('b', stampOf(0)), 'sequence-conflict');
  assertProblem(await append('b', stampOf(2)), 'sequence-gap');
  assert.equal((await append('b', stampOf(1))).status, 200);
  assert.equal((await append('c', stampOf(0, 1))).status, 200);
  assertProblem(await append('d', stampOf(2, 0)), 'producer-fenced');
  assert.deepEqual(service.values, ['a', 'b', 'c']);
});

test('a batch that names what it builds on is refused when that is not the last one', async (t) => {
  const { service, ...api } = await startApi(t);
  const append = (body: string, epoch: number, after: string) =>
    post(api, body, { ...TEXT, ...stampOf(0, epoch), 'producer-after': after });
  assertProblem(await append('a', 1, '0/4'), 'producer-moved');
  assert.equal((await append('a', 1, 'none')).status, 200);
  assertProblem(await append('b', 2, 'none'), 'producer-moved');
  assertProblem(await append('b', 2, '1/1'), 'producer-moved');
  assert.equal((await append('b', 2, '1/0')).status, 200);
  assert.deepEqual(service.values, ['a', 'b']);
});

test('another logger leads: 307 to the same path there, before the body is read, and the connection is given up', async (t) => {
  const { service, ...api } = await startApi(t);
  service.follow({ id: 'logger-1', api: 'http://leader.test:8080/base' });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const body = 'x'.repeat(10 * LIMITS.bodyBytes);
  for (const url of [api.url, api.url.replace('127.0.0.1', 'localhost')]) {
    const answer = await send(`${url}/api/v1/log`, { body, headers: TEXT, agent });
    assert.equal(answer.status, 307);
    assert.equal(answer.headers.location, 'http://leader.test:8080/base/api/v1/log');
    assert.equal(answer.headers.connection, 'close');
    assert.deepEqual(JSON.parse(answer.text), {
      leader: { id: 'logger-1', api: 'http://leader.test:8080/base' },
    });
  }
  await until('both are counted', () => api.appends.length === 2);
  assert.deepEqual(
    api.appends.map(({ code, records }) => [code, records]),
    [
      ['redirected', 0],
      ['redirected', 0],
    ],
  );
});

test('no leader: 503, to be tried again soon', async (t) => {
  const { service, ...api } = await startApi(t);
  service.follow(null);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const answer = await send(`${api.url}/api/v1/log`, { body: 'a', headers: TEXT, agent });
  const problem = assertProblem(answer, 'no-leader');
  assert.equal(answer.headers['retry-after'], '1');
  assert.equal(problem.retryAfterMs, 100);
  assert.equal(answer.headers.connection, 'close');
});

test('leadership that ends under an append: unknown outcome, unless nothing was stored', async (t) => {
  const { service, ...api } = await startApi(t);
  service.commitsAtOnce = false;
  const pending = post(api, 'a');
  await until('the record is appended', () => service.values.length === 1);
  service.follow({ id: 'logger-1', api: 'http://leader.test' });
  assert.equal(assertProblem(await pending, 'outcome-unknown').outcome, 'unknown');

  service.lead();
  service.refusal = new LoggerError('not-leader');
  assertProblem(await post(api, 'a'), 'not-leader');
});

test('an append refused because the leadership had just ended is sent on to the new leader', async (t) => {
  const { service, ...api } = await startApi(t);
  const append = service.append.bind(service);
  service.append = (records, stamp) => {
    service.follow({ id: 'logger-1', api: 'http://leader.test' });
    return append(records, stamp);
  };
  const answer = await post(api, 'a');
  assert.equal(answer.status, 307);
  assert.equal(answer.headers.location, 'http://leader.test/api/v1/log');
  assert.deepEqual(service.values, []);
});

for (const code of ['overloaded', 'too-many-requests', 'disk-full', 'shutting-down'] as const)
  test(`what the logger refuses as ${code} is answered so, with a time to come back`, async (t) => {
    const { service, ...api } = await startApi(t);
    service.refusal = new LoggerError(code);
    const answer = await post(api, 'a');
    assert.ok(Number(assertProblem(answer, code).retryAfterMs) > 0);
    assert.ok(Number(answer.headers['retry-after']) > 0);
  });

test('a fault of the logger is 500 and unknown; its words go to the log, not to the client', async (t) => {
  const { service, errors, ...api } = await startApi(t, { expectsErrors: true });
  service.refusal = new Error('secret');
  const answer = await post(api, 'a');
  assert.equal(assertProblem(answer, 'internal').outcome, 'unknown');
  assert.doesNotMatch(answer.text, /secret/);
  assert.match(errors.join(''), /secret/);
});

test('bodies together are bounded: more get 503 until those at hand are answered', async (t) => {
  const { service, ...api } = await startApi(t, { limits: { bufferedBytes: 2 * LIMITS.recordBytes } });
  service.commitsAtOnce = false;
  const body = 'x'.repeat(LIMITS.recordBytes);
  const held = [post(api, body), post(api, body)];
  await until('both wait for their commit', () => service.values.length === 2);
  assertProblem(await post(api, 'y'), 'overloaded');
  service.commitTo();
  assert.deepEqual(
    (await Promise.all(held)).map(({ status }) => status),
    [200, 200],
  );
  service.commitsAtOnce = true;
  assert.equal((await post(api, body)).status, 200);
});

test('metrics count appends by code, records and bytes', async (t) => {
  const api = await startApi(t);
  await post(api, '["a","b"]', { 'content-type': 'application/json' });
  await post(api, '', TEXT);
  await until('both are counted', () => api.appends.length === 2);
  assert.deepEqual(
    api.appends.map(({ code, records, bytes }) => ({ code, records, bytes })),
    [
      { code: 'ok', records: 2, bytes: 9 },
      { code: 'invalid-record', records: 0, bytes: 0 },
    ],
  );
  assert.ok(api.appends.every(({ seconds }) => seconds >= 0));
});
