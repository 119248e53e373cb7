import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { LoggerError } from '../../../src/errors.ts';
import { assertProblem, open, RawClient, type RunningApi, send, startApi, until } from '../../support/api.ts';

const LOG = '/api/v1/log';
const EVENTS = { accept: 'text/event-stream' };

interface Event {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: { offset: number; value: string; code?: string };
}

/** An event stream as a browser sees it; `text` is all of it, comments included. */
class Stream {
  readonly response: IncomingMessage;
  text = '';
  ended = false;

  constructor(t: TestContext, response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk) => {
      this.text += chunk;
    });
    response.on('end', () => {
      this.ended = true;
    });
    // A stream that the API cuts off ends so; the test looks at what came before.
    response.on('error', () => {});
    t.after(() => response.destroy());
  }

  static async open(
    t: TestContext,
    api: RunningApi,
    query = '',
    headers: Record<string, string> = {},
  ): Promise<Stream> {
    const response = await open(`${api.url}${LOG}${query}`, { headers: { ...EVENTS, ...headers } });
    assert.equal(response.statusCode, 200);
    return new Stream(t, response);
  }

  get events(): Event[] {
    const blocks = this.text.split('\n\n').slice(0, -1);
    return blocks.flatMap((block) => {
      const field = (name: string): string | undefined =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      const data = field('data');
      return data === undefined ? [] : [{ id: field('id'), event: field('event'), data: JSON.parse(data) }];
    });
  }

  get values(): string[] {
    return this.events.map(({ data }) => data.value);
  }

  async until(...values: string[]): Promise<void> {
    await until(`the stream has shown ${values}`, () => this.values.length >= values.length);
    assert.deepEqual(this.values, values);
  }
}

test('a stream shows what is there and then what is committed, each event with its offset as id', async (t) => {
  const api = await startApi(t);
  api.service.fill('a', 'b\nc');
  const stream = await Stream.open(t, api);
  assert.equal(stream.response.headers['content-type'], 'text/event-stream');
  assert.equal(stream.response.headers['cache-control'], 'no-store');
  await stream.until('a', 'b\nc');
  api.service.fill('d');
  await stream.until('a', 'b\nc', 'd');
  assert.deepEqual(
    stream.events.map(({ id, data }) => [id, data.offset]),
    [
      ['0', 0],
      ['1', 1],
      ['2', 2],
    ],
  );
  assert.match(stream.text, /^retry: 1000\n\n/);
});

test('only committed records are shown', async (t) => {
  const api = await startApi(t);
  const stream = await Stream.open(t, api);
  api.service.commitsAtOnce = false;
  const appends = [0, 1].map((n) => api.service.append([{ value: Buffer.from(`${n}`) }], null));
  api.service.commitTo(1);
  await stream.until('0');
  api.service.commitTo(2);
  await stream.until('0', '1');
  await Promise.all(appends);
});

test('a reader that comes back goes on after the last event that it saw', async (t) => {
  const api = await startApi(t);
  api.service.fill('a', 'b', 'c');
  const first = await Stream.open(t, api, '?offset=1');
  await first.until('b', 'c');
  first.response.destroy();
  api.service.fill('d');
  const last = first.events.at(-1)?.id ?? '';
  const second = await Stream.open(t, api, '?offset=1', { 'last-event-id': last });
  await second.until('d');
  const fresh = await Stream.open(t, api, '?offset=3', { 'last-event-id': '' });
  await fresh.until('d');
});

test('a stream may begin at the end, or beyond it: it waits', async (t) => {
  const api = await startApi(t);
  api.service.fill('a');
  const latest = await Stream.open(t, api, '?offset=latest');
  const beyond = await Stream.open(t, api, '?offset=2');
  api.service.fill('b', 'c');
  await latest.until('b', 'c');
  await beyond.until('c');
});

test('a stream from the latest offset is refused while the commit is that of before a restart', async (t) => {
  const api = await startApi(t);
  api.service.fill('a');
  api.service.commitIsCurrent = false;
  assertProblem(await send(`${api.url}${LOG}?offset=latest`, { headers: EVENTS }), 'not-ready');
  assertProblem(await send(`${api.url}${LOG}?offset=latest&wait=10ms`), 'not-ready');
  const stored = await Stream.open(t, api, '?offset=0');
  await stored.until('a');
});

test('a stream of records that are gone is refused with 410, at once and for a reader that comes back', async (t) => {
  const api = await startApi(t);
  api.service.fill('a', 'b', 'c');
  api.service.retainFrom(2);
  assertProblem(await send(`${api.url}${LOG}?offset=0`, { headers: EVENTS }), 'offset-gone');
  const headers = { ...EVENTS, 'last-event-id': '0' };
  assertProblem(await send(api.url + LOG, { headers }), 'offset-gone');
});

test('records that vanish before a slow reader end its stream with a problem', async (t) => {
  const api = await startApi(t);
  const stream = await Stream.open(t, api);
  api.service.read = async () => {
    throw new LoggerError('offset-gone', undefined, { extra: { first: 7 } });
  };
  api.service.fill('a');
  await until('the stream has ended', () => stream.ended);
  assert.deepEqual(
    stream.events.map(({ event, data }) => [event, data.code]),
    [['problem', 'offset-gone']],
  );
});

test('a silent stream is kept open by comments', async (t) => {
  const api = await startApi(t, { bounds: { heartbeatMs: 20, stallTimeoutMs: 500 } });
  const stream = await Stream.open(t, api);
  await until('comments have come', () => stream.text.split('\n\n: still here').length > 30);
  api.service.fill('a');
  await stream.until('a');
});

test('readers are bounded; a place is free again once a reader has left', async (t) => {
  const api = await startApi(t, { limits: { readers: 2 } });
  const streams = [await Stream.open(t, api), await Stream.open(t, api)];
  assert.equal(api.readers(), 2);
  assertProblem(await send(api.url + LOG, { headers: EVENTS }), 'too-many-requests');
  assertProblem(await send(`${api.url}${LOG}?wait=1s`), 'too-many-requests');
  streams[0]?.response.destroy();
  await until('a place is free', () => api.readers() === 1);
  await Stream.open(t, api);
  await until('it waits', () => api.service.waiting === 2);
});

test('a reader that takes nothing is read for no further and closed; the others go on', async (t) => {
  const api = await startApi(t, { bounds: { stallTimeoutMs: 300, heartbeatMs: 50 } });
  const quick = await Stream.open(t, api);
  const slow = new RawClient(api.port);
  slow.socket.pause();
  slow.write(`GET ${LOG} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`);
  await until('both are readers', () => api.readers() === 2);
  let readToTheEnd = 0;
  const read = api.service.read.bind(api.service);
  api.service.read = async (offset, limits) => {
    const result = await read(offset, limits);
    if (result.next === 2000) readToTheEnd += 1;
    return result;
  };
  // 20 MB: far more than the kernel's buffers hold.
  api.service.fill(...Array(2000).fill('x'.repeat(10_000)));
  await until('the slow reader is closed', () => api.readers() === 1);
  await until(
    'the quick one has all',
    () => quick.text.includes('id: 1999\n') && quick.text.endsWith('\n\n'),
  );
  assert.equal(readToTheEnd, 1, 'for the slow one the log is not read to its end');
  api.service.fill('last');
  await until('and more', () => quick.values.at(-1) === 'last');
  slow.socket.resume();
  assert.ok((await slow.closed()).length < 20_000_000);
});

for (const [what, request] of [
  ['an event stream', `GET ${LOG} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`],
  ['a long answer', `GET ${LOG}?limit=100000 HTTP/1.1\r\nHost: x\r\n\r\n`],
] as const)
  test(`a client that takes ${what} a little at a time is closed when its time is over, and counted`, async (t) => {
    const api = await startApi(t, { bounds: { stallTimeoutMs: 60_000, drainTimeoutMs: 300 } });
    const quick = await Stream.open(t, api);
    // 20 MB: far more than the kernel's buffers hold.
    api.service.fill(...Array(2000).fill('x'.repeat(10_000)));
    const trickle = new RawClient(api.port);
    trickle.socket.pause();
    trickle.write(request);
    // Something moves all the while, so that this is no stall.
    const sips = setInterval(() => trickle.socket.read(1000), 10);
    t.after(() => clearInterval(sips));
    await until('it is closed', () => api.requests.length === 1);
    assert.equal(api.slowReaders(), 1);
    assert.equal(api.readers(), 1);
    api.service.fill('last');
    await until('the quick one has all', () => quick.values.at(-1) === 'last');
    assert.equal(api.slowReaders(), 1, 'a client that keeps up is never closed');
    trickle.socket.destroy();
  });

test('a HEAD of a stream has its head and takes no place', async (t) => {
  const api = await startApi(t);
  const answer = await send(api.url + LOG, { method: 'HEAD', headers: EVENTS });
  assert.equal(answer.headers['content-type'], 'text/event-stream');
  assert.equal(answer.text, '');
  await until('no reader is left', () => api.readers() === 0);
});

test('streams end when the API closes, without an error', async (t) => {
  const api = await startApi(t);
  api.service.fill('a');
  const stream = await Stream.open(t, api);
  await stream.until('a');
  await api.api.close(10_000);
  await until('the stream has ended', () => stream.ended);
  assert.equal(api.service.waiting, 0);
});
