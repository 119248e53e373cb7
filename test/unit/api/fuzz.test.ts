// Thousands of odd requests, on bare connections: whatever comes, every answer is a good one or a problem document, none is
// 500, nothing is stored that was refused, and the API is well at the end. SEED=<n> replays a run.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { ERRORS } from '../../../src/errors.ts';
import { assertProblem, RawClient, type RunningApi, send, startApi, until } from '../../support/api.ts';
import { Random } from '../../support/random.ts';

const CASES = 1500;
const AT_A_TIME = 100;
const BOUNDS = {
  lingerMs: 50,
  headersTimeoutMs: 200,
  requestTimeoutMs: 200,
  maxWaitMs: 50,
  stallTimeoutMs: 2000,
  heartbeatMs: 50,
};

const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'SEARCH'];
const PATHS = [
  '/api/v1/log',
  '/api/v1/log',
  '/api/v1/log',
  '/api/v1/status',
  '/api/v1/producers/7',
  '/api/v1/producers/',
  '/api/v1/leader/transfer',
  '/livez',
  '/readyz',
  '/metrics',
  '/docs',
  '/docs/json',
  '/docs/static/../../package.json',
  '/',
  '//',
  '*',
  'http://x/api/v1/log',
  'http://[/api/v1/log',
  '/%00',
  '/api/v1/log/',
  '/API/v1/log',
]; // prettier-ignore
const NUMBERS = [
  '0',
  '1',
  '-1',
  '7',
  '1e9',
  '9007199254740993',
  '٣',
  '',
  ' ',
  '5s',
  '20ms',
  'NaN',
  'null',
  '%F0',
  '+1',
];
const NAMES = ['offset', 'limit', 'wait', 'consistency', 'constructor', '__proto__', ''];
const TYPES = [
  'text/plain',
  'application/json',
  'application/x-ndjson',
  'application/octet-stream',
  'application/vnd.distributed-logger.batch',
  'text/xml',
  'APPLICATION/JSON; charset=utf-16',
  '/',
  'application/json;',
  ';',
  'multipart/form-data; boundary=x',
]; // prettier-ignore
const FIELDS = [
  'Producer-Id',
  'Producer-Epoch',
  'Producer-Seq',
  'Last-Event-ID',
  'Accept',
  'Content-Encoding',
  'Expect',
  'Connection',
  'Transfer-Encoding',
  'Upgrade',
  'Range',
  'If-None-Match',
  'Accept-Version',
  'Trailer',
  'TE',
]; // prettier-ignore
const VALUES = [
  ...NUMBERS,
  'gzip',
  'chunked',
  '100-continue',
  'keep-alive',
  'upgrade',
  'h2c',
  'bytes=0-',
  '*',
  'identity',
  'x'.repeat(300),
];
const BODIES = [
  '',
  'a',
  '[]',
  '["a"]',
  '[{"value":"a"}]',
  '[{"value":1}]',
  '"a"\n"b"',
  '{"to":"logger-1"}',
  '{"to":{}}',
  '[[[[',
  'null',
  '["\\ud800"]',
  '{"__proto__":1}',
  '[{"base64":"%"}]',
  '\u{1f600}',
  '[1e999]',
  '\0\0\0',
]; // prettier-ignore

function query(random: Random): string {
  if (random.chance(0.3)) return '';
  const good = (): string =>
    random.pick(['offset=0', 'offset=latest', 'limit=1', 'wait=20ms', 'consistency=linearizable']);
  const odd = (): string => `${random.pick(NAMES)}=${random.pick(NUMBERS)}`;
  const one = (): string => (random.chance(0.7) ? good() : odd());
  return `?${Array.from({ length: 1 + random.below(2) }, one).join('&')}`;
}

/** Half good, so that the odd half is met everywhere and not just at the door. */
function oddRequest(random: Random): Buffer {
  const method = random.chance(0.8) ? random.pick(['GET', 'POST', 'POST']) : random.pick(METHODS);
  const path = random.chance(0.7) ? '/api/v1/log' : random.pick(PATHS);
  const target = path + (method === 'POST' && random.chance(0.9) ? '' : query(random));
  const hasBody = random.chance(method === 'POST' ? 0.95 : 0.1);
  const body = random.chance(0.2) ? random.bytes(random.below(3000)) : Buffer.from(random.pick(BODIES));
  const lines = [`${method} ${target} HTTP/1.${random.chance(0.9) ? 1 : 0}`];
  if (random.chance(0.97)) lines.push('Host: x');
  if (random.chance(0.8))
    lines.push(`Content-Type: ${random.pick(random.chance(0.7) ? TYPES.slice(0, 4) : TYPES)}`);
  if (random.chance(0.2)) lines.push('Accept: text/event-stream');
  while (random.chance(0.2)) lines.push(`${random.pick(FIELDS)}: ${random.pick(VALUES)}`);
  if (hasBody) lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), hasBody ? body : Buffer.alloc(0)]);
}

/** A request as it should be, with some of its bytes changed, taken out, put in or repeated. */
function damagedRequest(random: Random): Buffer {
  let bytes = Buffer.from(
    'POST /api/v1/log HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n["a"]\r\n0\r\n\r\n',
  );
  for (let damage = 1 + random.below(4); damage > 0; damage -= 1) {
    const at = random.below(bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const put = random.pick([
      random.bytes(1 + random.below(4)),
      Buffer.from('\r\n'),
      Buffer.from(bytes.subarray(at, at + random.below(30))),
    ]);
    bytes = Buffer.concat([
      before,
      random.chance(0.7) ? put : Buffer.alloc(0),
      after.subarray(random.below(3)),
    ]);
  }
  return bytes;
}

/** The answers on a connection; a stream or a cut off answer counts by its head. */
const heads = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) [^\r]*\r\n/g)].map(([, status]) => Number(status));

async function attack(api: RunningApi, bytes: Buffer, says: string): Promise<readonly number[]> {
  const client = new RawClient(api.port);
  client.write(bytes);
  // An event stream goes on, and a request may be followed by half of another: after an answer the client leaves.
  await until(`it is answered or closed\n${says}`, () => client.text !== '' || client.socket.closed);
  client.socket.end();
  const drop = setTimeout(() => client.socket.destroy(), 100);
  await until(`the connection is closed\n${says}`, () => client.socket.closed);
  clearTimeout(drop);
  const statuses = heads(client.text);
  for (const status of statuses) {
    assert.ok(status !== 500 && status < 600, `${says}\n${bytes.toString('latin1')}\n${client.text}`);
    if (status >= 400) assert.match(client.text, /application\/problem\+json/i, says);
  }
  return statuses;
}

/** Sends the cases and returns the statuses seen. */
async function storm(
  api: RunningApi,
  random: Random,
  make: (random: Random) => Buffer,
): Promise<ReadonlySet<number>> {
  const says = `SEED=${random.seed} node --test test/unit/api/fuzz.test.ts`;
  const seen = new Set<number>();
  for (let done = 0; done < CASES; done += AT_A_TIME) {
    const attacks = Array.from({ length: AT_A_TIME }, () => attack(api, make(random), says));
    for (const status of (await Promise.all(attacks)).flat()) seen.add(status);
  }
  await until(`what is stored is what was acknowledged (${says})`, () => {
    const stored = api.appends.reduce((sum, { code, records }) => sum + (code === 'ok' ? records : 0), 0);
    return api.service.values.length === stored;
  });
  for (const { code } of api.appends)
    assert.ok(code in ERRORS || ['ok', 'redirected', 'left'].includes(code), code);
  await until(`no reader is left (${says})`, () => api.readers() === 0 && api.service.waiting === 0);
  assert.equal((await send(`${api.url}/livez`)).status, 200);
  assertProblem(await send(`${api.url}/nothing`), 'not-found');
  return seen;
}

const given = process.env.SEED === undefined ? [] : [Number(process.env.SEED)];
for (const seed of given.length > 0 ? given : [1, randomInt(2 ** 32)])
  for (const [what, make, statuses] of [
    ['odd requests', oddRequest, [200, 400, 404, 405, 415]],
    ['damaged requests', damagedRequest, [200, 400, 404]],
  ] as const)
    test(`${what} of seed ${seed}`, async (t) => {
      const api = await startApi(t, { bounds: BOUNDS, limits: { readers: 8 } });
      const seen = await storm(api, new Random(seed), make);
      // Else the cases miss what they are for.
      for (const status of statuses) assert.ok(seen.has(status), `no case was answered with ${status}`);
    });
