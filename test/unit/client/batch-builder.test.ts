import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../../src/client/batch-builder.ts';
import { judgeOffered } from '../../../src/log/format.ts';
import { encodeBatch, recordsOf } from '../../../src/log/index.ts';

const STAMP = { epoch: 3, sequence: 9 };
const LIMITS = { recordBytes: 2 ** 20, maxRecords: 65_536 };

const valuesOf = (batch: Buffer): string[] => [...recordsOf([batch])].map(({ value }) => value.toString());

test('the bytes are those of the loggers own encoder', () => {
  const builder = new BatchBuilder();
  builder.add([
    'é😀',
    Buffer.from([0xff]),
    { key: 'k', value: '' },
    { key: Buffer.alloc(9), value: 'x'.repeat(9000) },
  ]);
  const expected = encodeBatch(
    [
      { value: Buffer.from('é😀') },
      { value: Buffer.from([0xff]) },
      { key: Buffer.from('k'), value: Buffer.alloc(0) },
      { key: Buffer.alloc(9), value: Buffer.from('x'.repeat(9000)) },
    ],
    { timestampMs: 0, producer: { id: 7n, ...STAMP } },
  );
  assert.deepEqual(builder.seal(7n, STAMP), expected);
});

test('thousands of records, whose numbers take two bytes, are good', () => {
  const builder = new BatchBuilder();
  for (let number = 0; number < 20_000; number += 1) builder.add(`record ${number}`);
  const batch = builder.seal(7n, STAMP);
  assert.equal(judgeOffered(batch, LIMITS).kind, 'good');
  assert.equal(valuesOf(batch)[19_999], 'record 19999');
});

test('a send with a record that is none leaves nothing behind', () => {
  const builder = new BatchBuilder();
  builder.add('a');
  for (const bad of [['b', 7], ['b', '\ud800'], [], [{ key: 1, value: 'c' }]])
    assert.throws(() => builder.add(bad as never), TypeError);
  builder.add('d');
  assert.deepEqual(valuesOf(builder.seal(7n, STAMP)), ['a', 'd']);
});

test('sends move to another batch as they are', () => {
  const source = new BatchBuilder();
  const spans = Array.from({ length: 200 }, (_, number) => ({
    from: source.sizeBytes,
    count: source.add([{ key: `k${number}`, value: `v${number}` }, Buffer.alloc(number)]),
  }));
  const target = new BatchBuilder();
  for (const [number, span] of spans.entries()) if (number % 3 === 0) target.copy(source, span);
  const batch = target.seal(7n, STAMP);
  assert.equal(judgeOffered(batch, LIMITS).kind, 'good');
  const records = [...recordsOf([batch])];
  assert.equal(records.length, 134);
  assert.deepEqual(
    records.filter(({ key }) => key !== null).map(({ key, value }) => `${key} ${value}`),
    spans.flatMap((_, number) => (number % 3 === 0 ? [`k${number} v${number}`] : [])),
  );
});
