// Bodies under a content coding: stored as they were before it, refused where they are no such thing, and never decoded further than a
// body may be long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { assertProblem, LIMITS, post, RawClient, send, startApi, until } from '../../support/api.ts';

const TEXT = 'text/plain';
const NDJSON = 'application/x-ndjson';
const CODINGS = { gzip: gzipSync, 'x-gzip': gzipSync, zstd: zstdCompressSync } as const;

for (const [coding, encode] of Object.entries(CODINGS)) {
  const fields = (type: string) => ({ 'content-type': type, 'content-encoding': coding });

  test(`${coding}: records are stored as they were before`, async (t) => {
    const api = await startApi(t);
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251));
    assert.equal((await post(api, encode(bytes), fields(TEXT))).status, 200);
    assert.equal((await post(api, encode(Buffer.from('"a"\n"b"\n')), fields(NDJSON))).status, 200);
    const chunked = { ...fields(TEXT), 'transfer-encoding': 'chunked' };
    assert.equal((await post(api, encode(Buffer.from('c')), chunked)).status, 200);
    assert.deepEqual(api.service.values, [bytes.toString(), 'a', 'b', 'c']);
  });

  test(`${coding}: what is cut off, followed by more, or something else is refused`, async (t) => {
    const api = await startApi(t);
    const whole = encode(Buffer.from('hello '.repeat(1000)));
    const bad = [
      Buffer.from('hello'),
      whole.subarray(0, -5),
      Buffer.concat([whole, Buffer.alloc(20)]),
      Buffer.concat([whole, Buffer.from('hello')]),
    ];
    for (const body of bad) assertProblem(await post(api, body, fields(TEXT)), 'invalid-request');
    assert.deepEqual(api.service.values, []);
  });

  test(`${coding}: a bomb is decoded no further than a body may be long`, async (t) => {
    const api = await startApi(t);
    const bomb = encode(Buffer.alloc(32 * 1024 * 1024));
    assert.ok(bomb.length < LIMITS.bodyBytes, `the bomb itself has ${bomb.length} bytes`);
    const before = process.memoryUsage().arrayBuffers;
    assertProblem(await post(api, bomb, fields(TEXT)), 'record-too-large');
    assertProblem(await post(api, bomb, fields(NDJSON)), 'body-too-large');
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes more are held`);
    // All that was charged was given back.
    const most = encode(Buffer.alloc(LIMITS.recordBytes));
    for (let time = 0; time < (2 * LIMITS.bufferedBytes) / LIMITS.recordBytes; time += 1)
      assert.equal((await post(api, most, fields(TEXT))).status, 200);
  });
}

test('what decodes to nothing does not come without end', async (t) => {
  const api = await startApi(t);
  // A head of gzip, and then blocks of no bytes.
  const head = gzipSync(Buffer.alloc(0)).subarray(0, 10);
  const empty = deflateRawSync(Buffer.alloc(0), { finishFlush: constants.Z_SYNC_FLUSH });
  const body = Buffer.concat([head, ...Array.from({ length: LIMITS.bodyBytes }, () => empty)]);
  const answer = await send(`${api.url}/api/v1/log`, {
    body,
    headers: { 'content-type': NDJSON, 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' },
  });
  assertProblem(answer, 'body-too-large');
});

test('a window of zstd beyond 8 MiB is refused', async (t) => {
  const api = await startApi(t);
  const body = zstdCompressSync(Buffer.alloc(16 * 1024 * 1024), {
    params: { [constants.ZSTD_c_windowLog]: 24 },
  });
  assertProblem(
    await post(api, body, { 'content-type': TEXT, 'content-encoding': 'zstd' }),
    'invalid-request',
  );
});

test('a client that leaves in the middle of a coded body leaves nothing behind', async (t) => {
  const api = await startApi(t);
  const client = new RawClient(api.port);
  client.write(
    'POST /api/v1/log HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n',
  );
  await until('the body is awaited', () => client.text.includes(' 100 '));
  client.write(gzipSync(Buffer.alloc(10_000)).subarray(0, 20));
  client.socket.destroy();
  await until('it is counted', () => api.requests.some(({ route }) => route !== 'none'));
  assert.deepEqual(api.service.values, []);
});

test('what curl says of any body counts as nothing said', async (t) => {
  const api = await startApi(t);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await post(api, 'a=b&c%20d', headers)).status, 200);
  const transfer = await send(`${api.url}/api/v1/leader/transfer`, { body: '{"to":"logger-1"}', headers });
  assert.equal(transfer.status, 202);
  assert.deepEqual(api.service.values, ['a=b&c%20d']);
});

test('a byte order mark is left out, of lines and of arrays', async (t) => {
  const api = await startApi(t);
  assert.equal((await post(api, '\ufeff"a"\n"b"', { 'content-type': NDJSON })).status, 200);
  assert.equal((await post(api, '\ufeff["c"]', { 'content-type': 'application/json' })).status, 200);
  assert.deepEqual(api.service.values, ['a', 'b', 'c']);
});
