// One line for each thing that a client can get wrong, with the exact code that it gets.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ErrorCode } from '../../../src/errors.ts';
import { assertProblem, LIMITS, type RunningApi, send, startApi, until } from '../../support/api.ts';

const TEXT = { 'content-type': 'text/plain' };
const JSON_TYPE = { 'content-type': 'application/json' };
const NDJSON = { 'content-type': 'application/x-ndjson' };
const LOG = '/api/v1/log';
const TRANSFER = '/api/v1/leader/transfer';
const half = Buffer.from([0x22, 0xc3, 0x28, 0x22]);

type Case = [
  what: string,
  path: string,
  request: Parameters<typeof send>[1],
  code: ErrorCode,
  detail?: RegExp,
];

const cases: Case[] = [
  ['an unknown path', '/nothing', {}, 'not-found', /\/nothing/],
  ['an unknown path under a known one', '/api/v1/log/5', {}, 'not-found'],
  ['a producer without an id', '/api/v1/producers', {}, 'not-found'],
  ['an empty producer id', '/api/v1/producers/', {}, 'invalid-producer'],
  ['a body for an unknown path', '/nothing', { body: 'x'.repeat(200_000), headers: TEXT }, 'not-found'],
  ['another method', LOG, { method: 'DELETE' }, 'method-not-allowed', /GET, HEAD, POST/],
  ['another method with a body', LOG, { method: 'PUT', body: 'x'.repeat(200_000) }, 'method-not-allowed'],
  ['a method that HTTP leaves to others', LOG, { method: 'PROPFIND' }, 'method-not-allowed'],
  ['OPTIONS', LOG, { method: 'OPTIONS' }, 'method-not-allowed'],
  ['POST where only GET goes', '/api/v1/status', { method: 'POST' }, 'method-not-allowed', /GET, HEAD/],
  ['GET where only POST goes', TRANSFER, {}, 'method-not-allowed', /POST/],
  [
    'a GET with a body',
    LOG,
    { method: 'GET', body: 'x', headers: { 'content-length': '1' } },
    'invalid-request',
  ],
  ['a malformed escape', '/api/v1/%zz', {}, 'invalid-request'],
  ['a malformed escape of UTF-8', '/api/v1/producers/%ff', {}, 'invalid-request'],

  ['an unknown query parameter', `${LOG}?ofset=1`, {}, 'invalid-request', /"ofset"/],
  ['a repeated query parameter', `${LOG}?offset=1&offset=2`, {}, 'invalid-request', /more than once/],
  ['a query where none is taken', '/api/v1/status?x=1', {}, 'invalid-request'],
  ['a query on an append', `${LOG}?offset=1`, { body: 'x', headers: TEXT }, 'invalid-request'],
  ['an offset that is no number', `${LOG}?offset=NaN`, {}, 'invalid-offset', /"NaN"/],
  ['an offset below 0', `${LOG}?offset=-1`, {}, 'invalid-offset'],
  ['a broken offset', `${LOG}?offset=1.5`, {}, 'invalid-offset'],
  ['an offset with an exponent', `${LOG}?offset=1e3`, {}, 'invalid-offset'],
  ['an offset in hexadecimal', `${LOG}?offset=0x10`, {}, 'invalid-offset'],
  ['an empty offset', `${LOG}?offset=`, {}, 'invalid-offset'],
  ['an infinite offset', `${LOG}?offset=Infinity`, {}, 'invalid-offset'],
  ['an offset of 2^53', `${LOG}?offset=9007199254740992`, {}, 'invalid-offset'],
  ['a very long offset', `${LOG}?offset=${'9'.repeat(400)}`, {}, 'invalid-offset'],
  ['a word for an offset', `${LOG}?offset=newest`, {}, 'invalid-offset'],
  ['an offset beyond commit', `${LOG}?offset=4`, {}, 'offset-out-of-range', /up to offset 3/],
  ['a limit of 0', `${LOG}?limit=0`, {}, 'invalid-request', /limit/],
  ['a limit too high', `${LOG}?limit=100001`, {}, 'invalid-request'],
  ['a limit that is no number', `${LOG}?limit=all`, {}, 'invalid-request'],
  ['a wait too long', `${LOG}?wait=61s`, {}, 'invalid-request', /60s at most/],
  ['a wait without a number', `${LOG}?wait=s`, {}, 'invalid-request'],
  ['a wait in minutes', `${LOG}?wait=1m`, {}, 'invalid-request'],
  ['an unknown consistency', `${LOG}?consistency=strong`, {}, 'invalid-request', /committed or linearizable/],
  ['a limit for a stream', `${LOG}?limit=1`, { headers: { accept: 'text/event-stream' } }, 'invalid-request'],
  ['a wait for a stream', `${LOG}?wait=1s`, { headers: { accept: 'text/event-stream' } }, 'invalid-request'],
  [
    'a last event that is none',
    LOG,
    { headers: { accept: 'text/event-stream', 'last-event-id': 'x' } },
    'invalid-offset',
  ],

  [
    'another content type',
    LOG,
    { body: '<a/>', headers: { 'content-type': 'text/xml' } },
    'unsupported-media-type',
  ],
  [
    'a form',
    LOG,
    { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' } },
    'unsupported-media-type',
    /: send text\/plain, /,
  ],
  ['no content type at all', LOG, { body: 'a', headers: { 'content-type': '' } }, 'unsupported-media-type'],
  [
    'a malformed content type',
    LOG,
    { body: 'a', headers: { 'content-type': ';;' } },
    'unsupported-media-type',
  ],
  [
    'a body under two codings',
    LOG,
    { body: 'a', headers: { ...TEXT, 'content-encoding': 'gzip, zstd' } },
    'unsupported-media-type',
    /gzip, zstd/,
  ],
  ['no body', LOG, { method: 'POST', headers: TEXT }, 'invalid-record', /empty/],
  ['no body and no type', LOG, { method: 'POST' }, 'invalid-record'],
  [
    'a raw record too large',
    LOG,
    { body: 'x'.repeat(LIMITS.recordBytes + 1), headers: TEXT },
    'record-too-large',
  ],
  [
    'a raw record far too large',
    LOG,
    { body: 'x'.repeat(4 * LIMITS.bodyBytes), headers: TEXT },
    'record-too-large',
  ],
  [
    'a body too large',
    LOG,
    { body: JSON.stringify(['x'.repeat(LIMITS.bodyBytes)]), headers: JSON_TYPE },
    'body-too-large',
  ],
  [
    'a record too large in a body that is not',
    LOG,
    { body: JSON.stringify(['a', 'x'.repeat(LIMITS.recordBytes + 1)]), headers: JSON_TYPE },
    'record-too-large',
    /element 2 has a record of/,
  ],
  [
    'a key that makes a record too large',
    LOG,
    { body: JSON.stringify([{ key: 'x'.repeat(LIMITS.recordBytes), value: 'a' }]), headers: JSON_TYPE },
    'record-too-large',
  ],

  ['JSON cut short', LOG, { body: '["a"', headers: JSON_TYPE }, 'invalid-request', /not JSON/],
  [
    'JSON that is no array',
    LOG,
    { body: '{"value":"a"}', headers: JSON_TYPE },
    'invalid-request',
    /not a JSON array/,
  ],
  [
    'JSON that is not UTF-8',
    LOG,
    { body: Buffer.concat([Buffer.from('['), half, Buffer.from(']')]), headers: JSON_TYPE },
    'invalid-request',
    /UTF-8/,
  ],
  ['an empty array', LOG, { body: '[]', headers: JSON_TYPE }, 'invalid-record', /no record/],
  ['an array of numbers', LOG, { body: '[1]', headers: JSON_TYPE }, 'invalid-record', /element 1/],
  ['an array of null', LOG, { body: '["a",null]', headers: JSON_TYPE }, 'invalid-record', /element 2/],
  ['an array of arrays', LOG, { body: '[["a"]]', headers: JSON_TYPE }, 'invalid-record'],
  [
    'an object without a value',
    LOG,
    { body: '[{"key":"a"}]', headers: JSON_TYPE },
    'invalid-record',
    /neither/,
  ],
  [
    'two values',
    LOG,
    { body: '[{"value":"a","base64":"YQ=="}]', headers: JSON_TYPE },
    'invalid-record',
    /both/,
  ],
  [
    'two keys',
    LOG,
    { body: '[{"value":"a","key":"a","keyBase64":"YQ=="}]', headers: JSON_TYPE },
    'invalid-record',
    /both/,
  ],
  [
    'a value that is no string',
    LOG,
    { body: '[{"value":1}]', headers: JSON_TYPE },
    'invalid-record',
    /"value"/,
  ],
  [
    'a key that is null',
    LOG,
    { body: '[{"value":"a","key":null}]', headers: JSON_TYPE },
    'invalid-record',
    /"key"/,
  ],
  [
    'an unknown field',
    LOG,
    { body: '[{"value":"a","offset":1}]', headers: JSON_TYPE },
    'invalid-record',
    /"offset"/,
  ],
  [
    'a poisoned field',
    LOG,
    { body: '[{"value":"a","__proto__":{}}]', headers: JSON_TYPE },
    'invalid-record',
    /__proto__/,
  ],
  [
    'base64 with a stray sign',
    LOG,
    { body: '[{"base64":"YQ=*"}]', headers: JSON_TYPE },
    'invalid-record',
    /base64/,
  ],
  ['base64 without its padding', LOG, { body: '[{"base64":"YQ"}]', headers: JSON_TYPE }, 'invalid-record'],
  ['half a surrogate pair', LOG, { body: '["\\ud800"]', headers: JSON_TYPE }, 'invalid-record', /surrogate/],
  ['a line that is not JSON', LOG, { body: '"a"\nb\n', headers: NDJSON }, 'invalid-record', /line 2/],
  ['only empty lines', LOG, { body: '\n \r\n\n', headers: NDJSON }, 'invalid-record', /no record/],
  ['lines that are not UTF-8', LOG, { body: half, headers: NDJSON }, 'invalid-record', /line 1 is not UTF-8/],
  [
    'a line that is not UTF-8, behind others',
    LOG,
    { body: Buffer.concat([Buffer.from('"a"\n\n"\u00e9"\n'), half, Buffer.from('\n"b"')]), headers: NDJSON },
    'invalid-record',
    /line 4 is not UTF-8/,
  ],
  [
    'a record too large in a line',
    LOG,
    { body: `"a"\n\n"${'x'.repeat(LIMITS.recordBytes + 1)}"`, headers: NDJSON },
    'record-too-large',
    /line 3 has a record of/,
  ],
  [
    'lines sent as JSON',
    LOG,
    { body: '"a"\n{"value":"b"}\n', headers: JSON_TYPE },
    'invalid-request',
    /its lines are, so send it as application\/x-ndjson/,
  ],
  [
    'one line sent as JSON',
    LOG,
    { body: '{"value":"b"}\n', headers: JSON_TYPE },
    'invalid-request',
    /x-ndjson/,
  ],
  ['a word for an offset in capitals', `${LOG}?offset=LATEST`, {}, 'invalid-offset', /earliest, latest/],
  ...(
    [
      '{"value":"a","value":"b"}',
      '{"value":{"key":"a"},"value":"b"}',
      '{"key":"a","value":"b","key":"a"}',
    ] as const
  ).flatMap((element): Case[] => [
    [
      `a field twice: ${element}`,
      LOG,
      { body: `["a",${element}]`, headers: JSON_TYPE },
      'invalid-record',
      /twice/,
    ],
    [
      `a field twice in a line: ${element}`,
      LOG,
      { body: `"a"\n${element}`, headers: NDJSON },
      'invalid-record',
      /line 2 has a field twice/,
    ],
  ]),

  ...badStamps().map(
    ([what, headers]): Case => [
      what,
      LOG,
      { body: 'x', headers: { ...TEXT, ...headers } },
      'invalid-producer',
    ],
  ),
  ['a producer that is no number', '/api/v1/producers/x', {}, 'invalid-producer'],
  ['producer 0', '/api/v1/producers/0', {}, 'invalid-producer'],
  ['producer 2^63', '/api/v1/producers/9223372036854775808', {}, 'invalid-producer'],
  ['a very long producer', `/api/v1/producers/${'9'.repeat(3000)}`, {}, 'invalid-producer'],
  ['a producer never heard of', '/api/v1/producers/5', {}, 'unknown-producer'],

  ['a transfer as text', TRANSFER, { body: 'logger-1', headers: TEXT }, 'unsupported-media-type'],
  ['a transfer that is not JSON', TRANSFER, { body: '{', headers: JSON_TYPE }, 'invalid-request'],
  [
    'a transfer to two',
    TRANSFER,
    { body: '{"to":"a","to":"b"}', headers: JSON_TYPE },
    'invalid-request',
    /twice/,
  ],
  ['a transfer of a list', TRANSFER, { body: '[]', headers: JSON_TYPE }, 'invalid-request'],
  [
    'a transfer with more',
    TRANSFER,
    { body: '{"to":"a","now":true}', headers: JSON_TYPE },
    'invalid-request',
    /"now"/,
  ],
  ['a transfer to a number', TRANSFER, { body: '{"to":1}', headers: JSON_TYPE }, 'invalid-request'],
  ['a transfer to no id', TRANSFER, { body: '{"to":"Logger 1"}', headers: JSON_TYPE }, 'invalid-request'],
  [
    'a transfer too large',
    TRANSFER,
    { body: JSON.stringify({ to: 'a'.repeat(5000) }), headers: JSON_TYPE },
    'body-too-large',
  ],
  [
    'a transfer to itself',
    TRANSFER,
    { body: '{"to":"logger-0"}', headers: JSON_TYPE },
    'transfer-impossible',
  ],
];

function badStamps(): [string, Record<string, string>][] {
  const stamp = { 'producer-id': '7', 'producer-epoch': '0', 'producer-seq': '0' };
  const without = (name: keyof typeof stamp) => {
    const { [name]: _, ...rest } = stamp;
    return rest;
  };
  return [
    ['a stamp without its id', without('producer-id')],
    ['a stamp without its epoch', without('producer-epoch')],
    ['a stamp without its sequence', without('producer-seq')],
    ['producer id 0', { ...stamp, 'producer-id': '0' }],
    ['producer id 2^63', { ...stamp, 'producer-id': '9223372036854775808' }],
    ['a producer id with a sign', { ...stamp, 'producer-id': '+7' }],
    ['a producer id in hexadecimal', { ...stamp, 'producer-id': '0x7' }],
    ['a producer id given twice', { ...stamp, 'producer-id': '7, 7' }],
    ['an empty producer id', { ...stamp, 'producer-id': '' }],
    ['producer epoch 2^15', { ...stamp, 'producer-epoch': '32768' }],
    ['a producer epoch below 0', { ...stamp, 'producer-epoch': '-1' }],
    ['sequence 2^31', { ...stamp, 'producer-seq': '2147483648' }],
    ['a broken sequence', { ...stamp, 'producer-seq': '1.0' }],
    ['an empty sequence', { ...stamp, 'producer-seq': '' }],
    ['a state to build on without a producer', { 'producer-after': 'none' }],
    ['a state to build on that is none', { ...stamp, 'producer-after': '0/x' }],
    ['a state to build on of the same epoch', { ...stamp, 'producer-after': '0/4' }],
    [
      'a state to build on in the middle of an epoch',
      { ...stamp, 'producer-seq': '1', 'producer-after': 'none' },
    ],
  ];
}

test('bad input gets its own code and leaves the log as it was', async (t: TestContext) => {
  const api = await startApi(t);
  api.service.fill('a', 'b', 'c');
  for (const [what, path, request, code, detail] of cases)
    await t.test(`${what}: ${code}`, async () => {
      const problem = assertProblem(await send(api.url + path, request), code);
      if (detail !== undefined) assert.match(problem.detail, detail);
    });
  assert.deepEqual(api.service.values, ['a', 'b', 'c']);
  await everyProblemIsCounted(api);
});

async function everyProblemIsCounted({ requests }: RunningApi): Promise<void> {
  await until('every request is counted', () => requests.length === cases.length);
  for (const [index, [what, , , code]] of cases.entries())
    assert.ok((requests[index]?.status ?? 0) >= 400, `${what}: ${code}`);
}

test('refusals say in header fields what would be taken', async (t) => {
  const { url } = await startApi(t);
  const wrongMethod = await send(`${url}${LOG}`, { method: 'DELETE' });
  assert.equal(wrongMethod.headers.allow, 'GET, HEAD, POST');
  const wrongType = await send(`${url}${LOG}`, { body: 'a', headers: { 'content-type': 'text/xml' } });
  assert.equal(
    wrongType.headers['accept-post'],
    'text/plain, application/octet-stream, application/x-ndjson, application/json, application/vnd.distributed-logger.batch',
  );
  const coded = await send(`${url}${LOG}`, { body: 'a', headers: { ...TEXT, 'content-encoding': 'br' } });
  assert.equal(coded.headers['accept-encoding'], 'gzip, zstd');
});

test('sizes refused tell the limit', async (t) => {
  const { url } = await startApi(t);
  const body = 'x'.repeat(LIMITS.recordBytes + 1);
  const problem = assertProblem(await send(`${url}${LOG}`, { body, headers: TEXT }), 'record-too-large');
  assert.equal(problem.limitBytes, LIMITS.recordBytes);
});

test('more records than an append may hold are refused, as many are taken', async (t) => {
  const { url, service } = await startApi(t, { bounds: { maxRecordsPerAppend: 3 } });
  const append = (count: number) =>
    send(`${url}${LOG}`, { body: JSON.stringify(Array(count).fill('a')), headers: JSON_TYPE });
  assertProblem(await append(4), 'body-too-large');
  assert.equal((await append(3)).status, 200);
  assert.equal(service.values.length, 3);
});

test('sequences that pass 2^31 - 1 are refused', async (t) => {
  const { url } = await startApi(t);
  const stamp = { 'producer-id': '7', 'producer-epoch': '0', 'producer-seq': '2147483647' };
  const append = (body: string) => send(`${url}${LOG}`, { body, headers: { ...JSON_TYPE, ...stamp } });
  assert.match(assertProblem(await append('["a","b"]'), 'invalid-producer').detail, /begin a new epoch/);
  assertProblem(await append('["a"]'), 'sequence-gap');
});
