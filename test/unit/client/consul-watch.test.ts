import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RegisteredLeader, watchRegister } from '../../../src/client/consul-watch.ts';
import { Http } from '../../../src/client/http.ts';
import { Producer } from '../../../src/client/index.ts';
import { accessOf } from '../../../src/client/settings.ts';
import { acknowledge, answer, problem, ScriptedLogger, type Step, silence } from './scripted-logger.ts';

const register = (
  index: number,
  { epoch, api, session = 's' }: { epoch: number; api: string; session?: string | null },
) =>
  answer(
    200,
    JSON.stringify([
      {
        Key: 'distributed-logger/c/leader',
        Value: Buffer.from(JSON.stringify({ epoch, leader: { id: `e${epoch}`, api } })).toString('base64'),
        ...(session && { Session: session }),
      },
    ]),
    { 'x-consul-index': String(index) },
  );
const missing = (index: number): Step => answer(404, '', { 'x-consul-index': String(index) });

/** Watches until `count` leaders were seen. */
async function watched(consuls: readonly ScriptedLogger[], count: number) {
  const seen: (RegisteredLeader | null)[] = [];
  const errors: string[] = [];
  const stop = new AbortController();
  const http = new Http(250);
  await watchRegister(
    http,
    { urls: consuls.map(({ url }) => url), cluster: 'c', ...accessOf({ token: 'secret' }) },
    {
      onLeader: (leader) => {
        if (seen.push(leader) === count) stop.abort();
      },
      onError: (detail) => errors.push(detail),
    },
    stop.signal,
  );
  await http.close();
  return { seen, errors, asked: consuls.map(({ received }) => received.map(({ url }) => url)) };
}

test('tells the leader at first and after each change, by blocking queries', async (t) => {
  const consul = await ScriptedLogger.start(t, [
    missing(3),
    register(5, { epoch: 1, api: 'http://a/' }),
    register(5, { epoch: 1, api: 'http://a/' }),
    register(9, { epoch: 2, api: 'http://b', session: null }),
  ]);
  const { seen, asked, errors } = await watched([consul], 3);
  assert.deepEqual(seen, [
    null,
    { id: 'e1', api: 'http://a', epoch: 1, locked: true },
    { id: 'e2', api: 'http://b', epoch: 2, locked: false },
  ]);
  const key = '/v1/kv/distributed-logger/c/leader?index=';
  assert.deepEqual(
    asked[0]?.map((url) => url.replace(key, '').replace('&wait=10s', '')),
    ['0', '3', '5', '5'],
  );
  assert.equal(consul.received[0]?.headers['x-consul-token'], 'secret');
  assert.deepEqual(errors, []);
});

test('an index that goes back is forgotten', async (t) => {
  const consul = await ScriptedLogger.start(t, [
    register(9, { epoch: 1, api: 'http://a' }),
    register(4, { epoch: 2, api: 'http://b' }),
    register(4, { epoch: 3, api: 'http://c' }),
  ]);
  const { seen, asked } = await watched([consul], 3);
  assert.deepEqual(
    seen.map((leader) => leader?.epoch),
    [1, 2, 3],
  );
  assert.match(asked[0]?.[2] ?? '', /index=0/);
});

test('a server that fails is left for the next, and nonsense is not believed', async (t) => {
  const [a, b] = [
    await ScriptedLogger.start(
      t,
      [answer(500, 'No cluster leader')],
      answer(200, 'nonsense', { 'x-consul-index': '1' }),
    ),
    await ScriptedLogger.start(t, [], register(5, { epoch: 1, api: 'http://a' })),
  ];
  const { seen, errors } = await watched([a, b], 1);
  assert.equal(seen[0]?.epoch, 1);
  assert.match(errors[0] ?? '', /No cluster leader/);
});

test('a forged answer is an error: it makes no leader, and none of "there is no register"', async (t) => {
  const value = (of: unknown): string => Buffer.from(JSON.stringify(of)).toString('base64');
  const leader = { id: 'e1', api: 'http://a' };
  const good = { Key: 'distributed-logger/c/leader', Value: value({ epoch: 1, leader }), Session: 's' };
  const ok = { 'x-consul-index': '5' };
  const pairs = [
    null,
    { ...good, Key: 'distributed-logger/other/leader' },
    { ...good, Value: null },
    { ...good, Value: 5 },
    { ...good, Value: value(null) },
    { ...good, Value: value({ epoch: 1 }) },
    ...[-1, 0.5, null, '1', 1e300].map((epoch) => ({ ...good, Value: value({ epoch, leader }) })),
    ...['', 'a', 'javascript:x', 'http://', 5].map((api) => ({
      ...good,
      Value: value({ epoch: 1, leader: { ...leader, api } }),
    })),
  ];
  const forged: Step[] = [
    ...pairs.map((pair) => answer(200, JSON.stringify([pair]), ok)),
    ...['null', '[]', '{}', '5', '', '[[]]'].map((text) => answer(200, text, ok)),
    ...['', '-1', '0', '0.5', '1e999', 'x'].flatMap((index) => [
      answer(200, JSON.stringify([good]), { 'x-consul-index': index }),
      answer(404, '', { 'x-consul-index': index }),
    ]),
  ];
  for (const step of forged) {
    const consul = await ScriptedLogger.start(t, [step], register(7, { epoch: 9, api: 'http://b' }));
    const { seen, errors } = await watched([consul], 1);
    assert.deepEqual([seen[0]?.epoch, errors.length], [9, 1], consul.received[0]?.url);
    assert.doesNotMatch(errors[0] ?? '', /Cannot|is not (a|iter)|undefined/, 'an answer was believed');
    await consul.stop();
  }
});

test('a producer finds its leader in Consul, follows it to the next, and goes on while Consul is away', async (t) => {
  const store = { end: 0, epoch: 1 };
  const [a, b] = [await ScriptedLogger.start(t, [], acknowledge(store)), await ScriptedLogger.start(t)];
  const consul = await ScriptedLogger.start(t, [missing(1), register(5, { epoch: 1, api: a.url })], silence);
  const producer = new Producer({
    consul: { urls: [consul.url], cluster: 'c' },
    retryMaxMs: 50,
    requestTimeoutMs: 600_000,
  });
  t.after(() => producer.close());
  assert.equal((await producer.send('a')).offset, 0);

  // The leader freezes; the register names another, which is not established at once.
  a.otherwise = silence;
  const sent = producer.send('b');
  while (a.appends().length < 2) await new Promise(setImmediate);
  store.epoch = 2;
  b.script.push(problem('no-leader', { retryAfterMs: 5 }));
  b.otherwise = acknowledge(store);
  const waiting = consul.received.at(-1);
  assert.ok(waiting);
  await register(7, { epoch: 2, api: b.url })(waiting);
  assert.deepEqual(await sent, { offset: 1, count: 1, epoch: 2, attempts: 3 });

  await consul.stop();
  assert.equal((await producer.send('c')).offset, 2);
  assert.equal(b.appends().length, 3);
});
