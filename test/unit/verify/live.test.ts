// The check of logs as they are now, of loggers in memory that were given what a test wants.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Status } from '../../../src/api/index.ts';
import { type Report, verifyLive } from '../../../src/verify/index.ts';
import { type RunningApi, startApi } from '../../support/api.ts';
import { startGuardedApi } from '../../support/guarded-api.ts';

const check = (...apis: readonly RunningApi[]): Promise<Report> =>
  verifyLive({ loggers: apis.map(({ url }) => url), timeoutMs: 5000, signal: new AbortController().signal });

async function two(t: TestContext): Promise<[RunningApi, RunningApi]> {
  return [await startApi(t), await startApi(t)];
}

test('logs that agree are valid, up to what both have; one begins higher, one goes further', async (t) => {
  const [a, b] = await two(t);
  const values = Array.from({ length: 2500 }, (_, index) => `m${index}`);
  a.service.fill(...values);
  b.service.fill(...values, 'more');
  b.service.retainFrom(10);
  const { verdict, anomalies, summary } = await check(a, b);
  assert.deepEqual([verdict, anomalies, summary.offsets], ['valid', [], 2490]);
});

test('another value, and another epoch, at one logger', async (t) => {
  const [a, b] = await two(t);
  a.service.fill('one', 'two');
  b.service.fill('one', 'other');
  a.service.fill('three');
  b.service.epoch = 2;
  b.service.fill('three');
  const { verdict, anomalies } = await check(a, b);
  assert.equal(verdict, 'invalid');
  assert.deepEqual(
    anomalies.map(({ kind, message }) => [kind, message]),
    [
      ['two-values', `${a.url} and ${b.url} differ at offset 1`],
      ['record-changed', `${a.url} and ${b.url} differ at offset 2`],
    ],
  );
  assert.match(anomalies[0]?.evidence[1]?.text ?? '', /^offset 1, epoch 1, timestamp \d+: "other"$/);
});

test('an epoch that falls', async (t) => {
  const api = await startApi(t);
  api.service.epoch = 3;
  api.service.fill('one');
  api.service.epoch = 2;
  api.service.fill('two');
  const { counts } = await check(api);
  assert.deepEqual(counts, { 'epoch-falls': 1 });
});

test('a logger that does not answer is no verdict', async () => {
  const nobody = verifyLive({
    loggers: ['http://127.0.0.1:1'],
    timeoutMs: 200,
    signal: new AbortController().signal,
  });
  await assert.rejects(nobody, /given up/);
});

test('loggers that speak TLS and ask for a token are read with both', async (t) => {
  const { url, service, access } = await startGuardedApi(t);
  service.fill('one', 'two');
  const wish = { loggers: [url], timeoutMs: 5000, signal: new AbortController().signal };
  const { verdict, summary } = await verifyLive({ ...wish, ...access });
  assert.deepEqual([verdict, summary.offsets], ['valid', 2]);
  await assert.rejects(verifyLive({ ...wish, ca: access.ca }), { code: 'unauthorized' });
});

/** `api` says that there is another member, at `url`. */
function tellsOf({ service }: RunningApi, url: string | null): void {
  const status = service.status();
  const [own] = status.members;
  const members = [own!, { ...own!, id: 'logger-1', api: url }];
  const told = (): Status => ({ ...status, offsets: service.offsets, members });
  Object.defineProperty(service, 'status', { value: told, configurable: true });
}

test('one URL: the other members are compared too', async (t) => {
  const [a, b] = await two(t);
  tellsOf(a, b.url);
  a.service.fill('one', 'two');
  b.service.fill('one', 'two');
  const right = await check(a);
  assert.deepEqual([right.verdict, right.notes], ['valid', []]);
  assert.deepEqual(
    right.summary.finals.map(({ logger }) => logger),
    [a.url, b.url],
  );
  a.service.fill('three');
  b.service.fill('another');
  assert.deepEqual((await check(a)).counts, { 'two-values': 1 });
});

test('one URL, and a member that cannot be read: unknown, and whom it is about', async (t) => {
  const [a] = await two(t);
  a.service.fill('one');
  tellsOf(a, null);
  const nowhere = await check(a);
  assert.deepEqual([nowhere.verdict, nowhere.summary.offsets], ['unknown', 1]);
  assert.match(nowhere.notes.join(), /^logger-1 was not compared: its address is not known/);
  tellsOf(a, 'http://127.0.0.1:1');
  const silent = await verifyLive({
    loggers: [a.url],
    timeoutMs: 300,
    signal: new AbortController().signal,
  });
  assert.equal(silent.verdict, 'unknown');
  assert.match(silent.notes.join(), /^logger-1 was not compared: http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
});

test('logs that have no record in common were not compared', async (t) => {
  const [a, b] = await two(t);
  a.service.fill('one', 'two', 'three');
  a.service.retainFrom(2);
  b.service.fill('one');
  const { verdict, notes } = await check(a, b);
  assert.deepEqual([verdict, notes.length], ['unknown', 1]);
});
