// Batches from clients. What is taken must be readable for ever, so the random tests compare the judge with the reader: whatever is
// judged good, each way of reading it works and gives the same number of records.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { crc32c } from '@node-rs/crc32';
import { FIELD } from '../../../src/log/batch.ts';
import { judgeOffered } from '../../../src/log/format.ts';
import {
  batchesProblem,
  encodeBatch,
  type RecordInput,
  readHeader,
  recordsOf,
  recordsProblem,
  stampTime,
} from '../../../src/log/index.ts';
import { Random } from '../../support/random.ts';

const LIMITS = { recordBytes: 1000, maxRecords: 100 };
const PRODUCER = { id: 7n, epoch: 1, sequence: 5 };
const RECORDS: RecordInput[] = [
  { value: Buffer.from('one') },
  { key: Buffer.from('k'), value: Buffer.alloc(200, 'v') },
  {
    value: Buffer.alloc(0),
    headers: [
      { key: 'h', value: null },
      { key: '', value: Buffer.from('x') },
    ],
  },
];

const batchOf = (
  records: readonly RecordInput[] = RECORDS,
  producer: typeof PRODUCER | null = PRODUCER,
): Buffer => encodeBatch(records, { timestampMs: 0, producer });

/** The batch with its CRC made right again after a change. */
function mended(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(FIELD.attributes)), FIELD.crc);
  return batch;
}

const changed = (change: (batch: Buffer) => void): Buffer => {
  const batch = batchOf();
  change(batch);
  return mended(batch);
};

test('a batch as encodeBatch makes it is good, with and without a producer', () => {
  assert.deepEqual(judgeOffered(batchOf(), LIMITS), { kind: 'good', count: 3, producer: PRODUCER });
  assert.deepEqual(judgeOffered(batchOf(RECORDS, null), LIMITS), { kind: 'good', count: 3, producer: null });
});

const malformed: { what: string; bytes: Buffer; problem: RegExp }[] = [
  { what: 'nothing', bytes: Buffer.alloc(0), problem: /no batch/ },
  { what: 'a header alone', bytes: batchOf().subarray(0, 61), problem: /no batch/ },
  { what: 'a batch cut off', bytes: batchOf().subarray(0, -1), problem: /its length says/ },
  { what: 'two batches', bytes: Buffer.concat([batchOf(), batchOf()]), problem: /its length says/ },
  { what: 'another magic', bytes: changed((b) => b.writeUInt8(1, FIELD.magic)), problem: /magic is 1/ },
  {
    what: 'compression',
    bytes: changed((b) => b.writeInt16BE(9, FIELD.attributes)),
    problem: /attributes are 9/,
  },
  { what: 'no record', bytes: changed((b) => b.writeInt32BE(0, FIELD.count)), problem: /counts 0/ },
  { what: 'holes', bytes: changed((b) => b.writeInt32BE(7, FIELD.lastOffsetDelta)), problem: /delta is 7/ },
  { what: 'producer 0', bytes: changed((b) => b.writeBigInt64BE(0n, FIELD.producerId)), problem: /id is 0/ },
  {
    what: 'producer -2',
    bytes: changed((b) => b.writeBigInt64BE(-2n, FIELD.producerId)),
    problem: /id is -2/,
  },
  {
    what: 'epoch -1',
    bytes: changed((b) => b.writeInt16BE(-1, FIELD.producerEpoch)),
    problem: /epoch is -1/,
  },
  {
    what: 'an epoch of nobody',
    bytes: changed((b) => b.writeBigInt64BE(-1n, FIELD.producerId)),
    problem: /no producer/,
  },
  {
    what: 'sequences that wrap',
    bytes: changed((b) => b.writeInt32BE(2 ** 31 - 2, FIELD.baseSequence)),
    problem: /do not fit/,
  },
  {
    what: 'one record too few',
    bytes: changed((b) => {
      b.writeInt32BE(2, FIELD.count);
      b.writeInt32BE(1, FIELD.lastOffsetDelta);
    }),
    problem: /follow its last record/,
  },
  {
    what: 'one record too many',
    bytes: changed((b) => {
      b.writeInt32BE(4, FIELD.count);
      b.writeInt32BE(3, FIELD.lastOffsetDelta);
    }),
    problem: /record 4: /,
  },
  {
    what: 'attributes of a record',
    bytes: changed((b) => b.writeUInt8(1, 62)),
    problem: /record 1: its attributes/,
  },
  {
    what: 'a timestamp delta',
    bytes: changed((b) => b.writeUInt8(2, 63)),
    problem: /record 1: its timestamp/,
  },
  {
    what: 'an offset delta',
    bytes: changed((b) => b.writeUInt8(2, 64)),
    problem: /record 1: its offset delta/,
  },
  {
    what: 'a key beyond its record',
    bytes: changed((b) => b.writeUInt8(0x7e, 65)),
    problem: /beyond the record/,
  },
  { what: 'a key length of -2', bytes: changed((b) => b.writeUInt8(3, 65)), problem: /beyond the record/ },
];
for (const { what, bytes, problem } of malformed)
  test(`${what}: malformed`, () => {
    const offer = judgeOffered(bytes, LIMITS);
    assert.equal(offer.kind, 'malformed');
    assert.match(offer.kind === 'malformed' ? offer.problem : '', problem);
  });

test('a wrong CRC is malformed, whatever else is right', () => {
  const batch = batchOf();
  batch[batch.length - 1] = 9;
  assert.deepEqual(judgeOffered(batch, LIMITS), { kind: 'malformed', problem: 'its CRC is wrong' });
});

test('limits: so many records, each so large with key, value and headers, and no more', () => {
  const full = Array.from({ length: 100 }, () => ({ value: Buffer.alloc(1) }));
  assert.equal(judgeOffered(batchOf(full), LIMITS).kind, 'good');
  assert.deepEqual(judgeOffered(batchOf([...full, { value: Buffer.alloc(1) }]), LIMITS), {
    kind: 'too-many',
    count: 101,
  });
  const headers = [{ key: 'hh', value: Buffer.alloc(98) }];
  const large = { key: Buffer.alloc(400), value: Buffer.alloc(500), headers };
  assert.equal(judgeOffered(batchOf([large]), LIMITS).kind, 'good');
  assert.deepEqual(
    judgeOffered(batchOf([{ value: Buffer.alloc(1) }, { ...large, value: Buffer.alloc(501) }]), LIMITS),
    {
      kind: 'record-too-large',
      record: 1,
      sizeBytes: 1001,
    },
  );
});

test('a number that a reader of 64 bits would take for another one is refused', () => {
  // The value's length, 3 (folded 6), in five bytes of which the last has a bit beyond the 32nd.
  const record = [0, 0, 0, 1, 0x86, 0x80, 0x80, 0x80, 0x10, 0x6f, 0x6e, 0x65, 0];
  const batch = Buffer.concat([batchOf().subarray(0, 61), Buffer.from([record.length * 2, ...record])]);
  batch.writeInt32BE(batch.length - 12, FIELD.length);
  batch.writeInt32BE(1, FIELD.count);
  batch.writeInt32BE(0, FIELD.lastOffsetDelta);
  assert.equal(judgeOffered(mended(batch), LIMITS).kind, 'malformed');
});

test('the time of the leader is set, and the batch is whole again', () => {
  const batch = batchOf();
  stampTime(batch, 1_700_000_000_123);
  assert.equal(batchesProblem(batch), null);
  const { baseTimestampMs, maxTimestampMs } = readHeader(batch, 0);
  assert.deepEqual([baseTimestampMs, maxTimestampMs], [1_700_000_000_123, 1_700_000_000_123]);
  assert.equal([...recordsOf([batch])][1]?.timestampMs, 1_700_000_000_123);
});

test('whatever is judged good can be read; what was changed at random seldom is', () => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  const random = new Random(seed);
  let good = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const batch = batchOf();
    for (let changes = random.below(4); changes > 0; changes -= 1)
      batch[17 + random.below(batch.length - 17)] = random.below(256);
    mended(batch);
    const offer = judgeOffered(batch, LIMITS);
    if (offer.kind !== 'good') continue;
    good += 1;
    stampTime(batch, 1);
    const how = `SEED=${seed}, round ${round}: ${batch.toString('hex')}`;
    assert.equal(batchesProblem(batch), null, how);
    assert.equal(recordsProblem(batch), null, how);
    assert.equal([...recordsOf([batch])].length, offer.count, how);
  }
  assert.ok(good > 4000, `${good} rounds were good: a quarter of them changed nothing`);
});
