import assert from 'node:assert/strict';
import test from 'node:test';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import {
  batchesProblem,
  encodeBatch,
  recordsOf,
  recordsProblem,
  stampBatch,
} from '../../../src/log/index.ts';

const blob = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const plain = { noNullPrototype: true };
const header = fc.record({ key: fc.string({ unit: 'grapheme' }), value: fc.option(blob) }, plain);
const record = fc.record(
  { key: fc.option(blob), value: blob, headers: fc.array(header, { maxLength: 3 }) },
  plain,
);

test('whatever goes into batches comes out of them', () => {
  const batches = fc.array(fc.array(record, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(batches, fc.nat(2 ** 40), (contents, base) => {
      let offset = base;
      const encoded = contents.map((records, epoch) => {
        const batch = encodeBatch(records, { timestampMs: 5 + epoch, producer: null });
        stampBatch(batch, offset, epoch);
        offset += records.length;
        return batch;
      });
      const expected = contents
        .flatMap((records, epoch) => records.map((fields) => ({ ...fields, epoch, timestampMs: 5 + epoch })))
        .map((fields, index) => ({ ...fields, offset: base + index }));
      // In one buffer or in several, all the same.
      assert.deepEqual([...recordsOf(encoded)], expected);
      assert.deepEqual([...recordsOf([Buffer.concat(encoded)])], expected);
      assert.equal(batchesProblem(Buffer.concat(encoded)), null);
      assert.equal(recordsProblem(Buffer.concat(encoded)), null);
    }),
  );
});

const numbered = (base: number, count: number): Buffer => {
  const records = Array.from({ length: count }, (_, index) => ({ value: Buffer.from(`${base + index}`) }));
  const batch = encodeBatch(records, { timestampMs: 1, producer: null });
  stampBatch(batch, base, 1);
  return batch;
};

test('only records from an offset on and below another are given', () => {
  const batches = [numbered(10, 5), numbered(15, 5), numbered(20, 5)];
  const offsets = (from: number, below: number) =>
    [...recordsOf(batches, from, below)].map(({ offset, value }) => [offset, value.toString()]);
  const expected = (from: number, below: number) =>
    Array.from({ length: below - from }, (_, index) => [from + index, `${from + index}`]);
  assert.deepEqual(offsets(0, 100), expected(10, 25));
  assert.deepEqual(offsets(12, 17), expected(12, 17));
  assert.deepEqual(offsets(15, 20), expected(15, 20));
  assert.deepEqual(offsets(24, 25), expected(24, 25));
  assert.deepEqual(offsets(25, 100), []);
});

test('records are read one by one, not before they are asked for', () => {
  const good = numbered(0, 1);
  const records = recordsOf([good, Buffer.from('this is no batch')]);
  assert.equal(records.next().value?.offset, 0);
  assert.throws(() => records.next(), RangeError);
});

/** A batch of one record with other record bytes, its CRC right. */
function withRecordBytes(bytes: number[]): Buffer {
  const batch = Buffer.concat([numbered(0, 1).subarray(0, 61), Buffer.from(bytes)]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

test('records that contradict themselves are found, whatever their CRC', () => {
  // length 6 (zigzag 12), attributes, timestamp delta, offset delta, no key, no value, no headers
  const good = [12, 0, 0, 0, 1, 1, 0];
  assert.equal(recordsProblem(withRecordBytes(good)), null);
  assert.match(recordsProblem(withRecordBytes([12, 0, 0, 2, 1, 1, 0])) ?? '', /another offset/);
  assert.match(recordsProblem(withRecordBytes([14, 0, 0, 0, 1, 1, 0, 0])) ?? '', /longer than its fields/);
  assert.match(recordsProblem(withRecordBytes([12, 0, 0, 0, 1, 20, 0])) ?? '', /beyond the record/);
  assert.match(recordsProblem(withRecordBytes([12, 0, 0, 0, 3, 1, 0])) ?? '', /beyond the record/);
  assert.match(recordsProblem(withRecordBytes([40, 0, 0, 0, 1, 1, 0])) ?? '', /beyond the record/);
  assert.match(recordsProblem(withRecordBytes([12, 0, 0, 0, 1, 1, 1])) ?? '', /-1 headers/);
  assert.match(recordsProblem(withRecordBytes([...good, 0])) ?? '', /longer than its records/);
  assert.match(recordsProblem(withRecordBytes(Array(20).fill(0xff))) ?? '', /longer than 64 bits/);
});
