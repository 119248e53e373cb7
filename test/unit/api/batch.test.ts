import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { encodeBatch, type RecordInput } from '../../../src/log/index.ts';
import { assertProblem, LIMITS, post, rowsOf, send, startApi } from '../../support/api.ts';
import { Random } from '../../support/random.ts';

const BATCH = { 'content-type': 'application/vnd.distributed-logger.batch' };
const stamp = (sequence: number) => ({ id: 7n, epoch: 0, sequence });
const batchOf = (values: readonly string[], producer: ReturnType<typeof stamp> | null = null): Buffer =>
  encodeBatch(
    values.map((value): RecordInput => ({ value: Buffer.from(value) })),
    { timestampMs: 0, producer },
  );

test('a record batch is stored as its records', async (t) => {
  const api = await startApi(t);
  const answer = await post(api, batchOf(['a', 'b']), BATCH);
  assert.deepEqual(JSON.parse(answer.text), { offset: 0, count: 2, epoch: 1 });
  const rows = rowsOf(await send(`${api.url}/api/v1/log`));
  assert.deepEqual(
    rows.map(({ value }) => value),
    ['a', 'b'],
  );
  assert.deepEqual(
    api.appends.map(({ code, records }) => ({ code, records })),
    [{ code: 'ok', records: 2 }],
  );
});

test('its producer makes it idempotent', async (t) => {
  const api = await startApi(t);
  for (const sequence of [0, 0, 2])
    assert.equal((await post(api, batchOf(['a', 'b'], stamp(sequence)), BATCH)).status, 200);
  assert.deepEqual(api.service.values, ['a', 'b', 'a', 'b']);
  assertProblem(await post(api, batchOf(['c'], stamp(9)), BATCH), 'sequence-gap');
});

test('what it builds on comes in a header field', async (t) => {
  const api = await startApi(t);
  const append = (after: string) =>
    post(api, batchOf(['a'], stamp(0)), { ...BATCH, 'producer-after': after });
  assertProblem(await post(api, batchOf(['a']), { ...BATCH, 'producer-after': 'none' }), 'invalid-producer');
  assert.equal((await append('none')).status, 200);
  assert.equal((await append('none')).status, 200, 'a repeat');
  assert.deepEqual(api.service.values, ['a']);
});

test('header fields for a producer are refused beside the one that the batch holds', async (t) => {
  const api = await startApi(t);
  const fields = { 'producer-id': '7', 'producer-epoch': '0', 'producer-seq': '0' };
  assertProblem(await post(api, batchOf(['a']), { ...BATCH, ...fields }), 'invalid-producer');
});

test('what is no batch, or too large, is refused by its code, and nothing is stored', async (t) => {
  const api = await startApi(t);
  const damaged = batchOf(['a']);
  damaged[61] = 0;
  for (const body of [
    Buffer.from('hello'),
    Buffer.alloc(0),
    damaged,
    Buffer.concat([batchOf(['a']), batchOf(['b'])]),
  ])
    assertProblem(await post(api, body, BATCH), 'invalid-batch');
  assertProblem(
    await post(api, batchOf(['a', 'x'.repeat(LIMITS.recordBytes + 1)]), BATCH),
    'record-too-large',
  );
  assertProblem(await post(api, batchOf(Array.from({ length: 70_000 }, () => '')), BATCH), 'body-too-large');
  assert.deepEqual(api.service.values, []);
});

test('batches changed at random are stored whole or refused as invalid', async (t) => {
  const api = await startApi(t);
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  const random = new Random(seed);
  for (let round = 0; round < 300; round += 1) {
    const body = batchOf(['one', 'two'], null);
    const at = random.below(body.length);
    body[at] = random.below(256);
    const before = api.service.values.length;
    const answer = await post(api, body, BATCH);
    const how = `SEED=${seed}, round ${round}, byte ${at}`;
    if (answer.status === 200) assert.deepEqual(api.service.values.slice(before), ['one', 'two'], how);
    else {
      assert.equal(answer.status, 400, `${how}: ${answer.text}`);
      assert.equal(api.service.values.length, before, how);
    }
  }
});
