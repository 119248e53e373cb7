import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  batchesOf,
  batchesProblem,
  contentCrc,
  encodeBatch,
  readHeader,
  recordsOf,
  stampBatch,
} from '../../../src/log/index.ts';

const TIMESTAMP_MS = 1_700_000_000_123;
const RECORDS = [
  { value: Buffer.from('hello') },
  {
    key: Buffer.from('k'),
    value: Buffer.alloc(0),
    headers: [
      { key: 'trace', value: Buffer.from('abc') },
      { key: 'ü', value: Buffer.from([0, 255]) },
      { key: 'none', value: null },
    ],
  },
  { key: Buffer.from('key'), value: Buffer.alloc(70, 'x') },
];

// Made by Apache Kafka 3.9.0 (MemoryRecords.builder, magic 2, LOG_APPEND_TIME) from the records above.
const PLAIN =
  '0000000000000000000000ad00000000025d8db3ee0008000000020000018bcfe5687b0000018bcfe5687bffffffffffffffffffffffffffff' +
  '0000000316000000010a68656c6c6f003a000002026b00060a74726163650661626304c3bc0400ff086e6f6e6501a001000004066b65798c01' +
  `${'78'.repeat(70)}00`;
// The same with base offset 2^48 + 5, leader epoch 9, producer 2^53 + 1, epoch 7, sequence 2^31 - 2.
const STAMPED =
  '0001000000000005000000ad0000000902447bc9f70008000000020000018bcfe5687b0000018bcfe5687b002000000000000100077ffffffe' +
  '0000000316000000010a68656c6c6f003a000002026b00060a74726163650661626304c3bc0400ff086e6f6e6501a001000004066b65798c01' +
  `${'78'.repeat(70)}00`;
const PRODUCER = { id: 9_007_199_254_740_993n, epoch: 7, sequence: 2 ** 31 - 2 };

test('a batch is what Kafka makes of the same records', () => {
  const batch = encodeBatch(RECORDS, { timestampMs: TIMESTAMP_MS, producer: null });
  assert.equal(batch.toString('hex'), PLAIN);
  assert.equal(batchesProblem(batch), null);
});

test('offset, epoch and producer are stamped as Kafka has them, and the CRC stays right', () => {
  const batch = encodeBatch(RECORDS, { timestampMs: TIMESTAMP_MS, producer: PRODUCER });
  stampBatch(batch, 2 ** 48 + 5, 9);
  assert.equal(batch.toString('hex'), STAMPED);
  assert.equal(batchesProblem(batch), null);
});

test('a header says what Kafka wrote into it', () => {
  assert.deepEqual(readHeader(Buffer.from(`ffff${STAMPED}`, 'hex'), 2), {
    baseOffset: 2 ** 48 + 5,
    sizeBytes: STAMPED.length / 2,
    epoch: 9,
    crc: 0x447bc9f7,
    lastOffsetDelta: 2,
    baseTimestampMs: TIMESTAMP_MS,
    maxTimestampMs: TIMESTAMP_MS,
    producer: PRODUCER,
    count: 3,
  });
  assert.equal(readHeader(Buffer.from(PLAIN, 'hex'), 0).producer, null);
});

test('records come back with offset, time, epoch, key, value and headers', () => {
  const records = [...recordsOf([Buffer.from(STAMPED, 'hex')])];
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [2 ** 48 + 5, 2 ** 48 + 6, 2 ** 48 + 7],
  );
  assert.deepEqual(records[1], {
    offset: 2 ** 48 + 6,
    timestampMs: TIMESTAMP_MS,
    epoch: 9,
    key: Buffer.from('k'),
    value: Buffer.alloc(0),
    headers: RECORDS[1]?.headers,
  });
  assert.equal(records[0]?.key, null);
  assert.deepEqual(records[2]?.value, Buffer.alloc(70, 'x'));
});

test('the content CRC tells content apart, not the time or the sender', () => {
  const first = encodeBatch(RECORDS, { timestampMs: 1, producer: null });
  const again = encodeBatch(RECORDS, { timestampMs: 2, producer: PRODUCER });
  const other = encodeBatch([...RECORDS.slice(0, 2), { value: Buffer.from('y') }], {
    timestampMs: 1,
    producer: null,
  });
  assert.notEqual(readHeader(first, 0).crc, readHeader(again, 0).crc);
  assert.equal(contentCrc(first), contentCrc(again));
  assert.notEqual(contentCrc(first), contentCrc(other));
});

test('what the format has no room for is refused', () => {
  const encode = (producer: typeof PRODUCER, records = RECORDS) =>
    encodeBatch(records, { timestampMs: 0, producer });
  assert.throws(() => encode(PRODUCER, []), RangeError);
  assert.throws(() => encode({ ...PRODUCER, id: -1n }), RangeError);
  assert.throws(() => encode({ ...PRODUCER, id: 2n ** 63n }), RangeError);
  assert.throws(() => encode({ ...PRODUCER, epoch: 2 ** 15 }), RangeError);
  assert.throws(() => encode({ ...PRODUCER, epoch: -1 }), RangeError);
  assert.throws(() => encode({ ...PRODUCER, sequence: 2 ** 31 }), RangeError);
  assert.throws(() => encode({ ...PRODUCER, sequence: 0.5 }), RangeError);
});

test('each way to be no whole batch has its own words', () => {
  const changed = (at: number, byte: number): string | null => {
    const batch = Buffer.from(STAMPED, 'hex');
    batch[at] = byte;
    return batchesProblem(batch);
  };
  const whole = Buffer.from(STAMPED, 'hex');
  assert.match(batchesProblem(Buffer.alloc(0)) ?? '', /no batch/);
  assert.match(batchesProblem(whole.subarray(0, 60)) ?? '', /header is cut off/);
  assert.match(batchesProblem(whole.subarray(0, -1)) ?? '', /1 bytes are missing/);
  assert.match(
    batchesProblem(Buffer.concat([whole, Buffer.alloc(1)])) ?? '',
    /byte 185: the header is cut off/,
  );
  assert.match(changed(8, 0x80) ?? '', /size of -?\d+ bytes is impossible/);
  assert.match(changed(8, 0x7f) ?? '', /size of \d+ bytes is impossible/);
  assert.match(changed(16, 1) ?? '', /magic is 1/);
  assert.match(changed(0, 0x7f) ?? '', /offset is impossible/);
  assert.match(changed(35, 0x7f) ?? '', /timestamp is impossible/);
  assert.match(changed(12, 0x80) ?? '', /epoch is negative/);
  assert.match(changed(22, 0x01) ?? '', /attributes are 1/);
  assert.match(changed(26, 3) ?? '', /3 records, last offset delta 3/);
  assert.match(changed(60, 0) ?? '', /0 records, last offset delta 2/);
  assert.match(changed(100, 0x55) ?? '', /CRC is 0x[0-9a-f]{8}, stored is 0x447bc9f7/);
});

test('batches of a buffer are views, one after another, and a cut one is an error', () => {
  const one = Buffer.from(PLAIN, 'hex');
  const two = Buffer.concat([one, Buffer.from(STAMPED, 'hex')]);
  const found = [...batchesOf(two)];
  assert.deepEqual(
    found.map(({ bytes }) => [bytes.byteOffset - two.byteOffset, bytes.length]),
    [
      [0, one.length],
      [one.length, one.length],
    ],
  );
  assert.equal(found[0]?.bytes.buffer, two.buffer);
  assert.throws(() => [...batchesOf(two.subarray(0, -1))], RangeError);
});

test('no flipped bit under the CRC goes unnoticed', () => {
  const batch = Buffer.from(STAMPED, 'hex');
  fc.assert(
    fc.property(fc.integer({ min: 16 * 8, max: batch.length * 8 - 1 }), (bit) => {
      const damaged = Buffer.from(batch);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      return batchesProblem(damaged) !== null;
    }),
    { numRuns: 500 },
  );
});
