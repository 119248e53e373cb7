// Rule 9 of the protocol: who may append what next, and that the table depends on nothing but the batches.
import assert from 'node:assert/strict';
import test from 'node:test';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { decodeProducers, encodeProducers } from '../../../src/log/producer-snapshot.ts';
import {
  BATCHES_PER_PRODUCER,
  PRODUCER_EXPIRY_MS,
  PRODUCERS_MAX,
  ProducerTable,
} from '../../../src/log/producers.ts';
import type { BatchHeader } from '../../../src/log/types.ts';

interface Given {
  readonly id?: bigint;
  readonly epoch?: number;
  readonly sequence?: number;
  readonly count?: number;
  readonly offset?: number;
  readonly timestampMs?: number;
}

const header = (given: Given): BatchHeader => ({
  baseOffset: given.offset ?? 0,
  sizeBytes: 100,
  epoch: 4,
  crc: 0,
  lastOffsetDelta: (given.count ?? 1) - 1,
  baseTimestampMs: given.timestampMs ?? 0,
  maxTimestampMs: given.timestampMs ?? 0,
  producer: { id: given.id ?? 1n, epoch: given.epoch ?? 0, sequence: given.sequence ?? 0 },
  count: given.count ?? 1,
});

const CRC = 77;

/** A table that producer 1, epoch 3, has sent three batches to: sequences 0-1, 2-4 and 5 at offsets 10, 20, 30. */
function tableOfThree(): ProducerTable {
  const table = new ProducerTable();
  table.apply(header({ epoch: 3, sequence: 0, count: 2, offset: 10 }), CRC);
  table.apply(header({ epoch: 3, sequence: 2, count: 3, offset: 20 }), CRC + 1);
  table.apply(header({ epoch: 3, sequence: 5, count: 1, offset: 30 }), CRC + 2);
  return table;
}

test('a new producer starts at 0, and a new epoch of a known one', () => {
  const table = tableOfThree();
  assert.deepEqual(table.judge({ id: 2n, epoch: 9, sequence: 0 }, 1, CRC), { kind: 'next' });
  assert.deepEqual(table.judge({ id: 2n, epoch: 9, sequence: 1 }, 1, CRC), {
    kind: 'refused',
    code: 'sequence-gap',
  });
  assert.deepEqual(table.judge({ id: 1n, epoch: 4, sequence: 0 }, 1, CRC), { kind: 'next' });
  assert.deepEqual(table.judge({ id: 1n, epoch: 4, sequence: 6 }, 1, CRC), {
    kind: 'refused',
    code: 'sequence-gap',
  });
});

test('a sequence must be exactly the next one', () => {
  const judge = (sequence: number) => tableOfThree().judge({ id: 1n, epoch: 3, sequence }, 1, CRC);
  assert.deepEqual(judge(6), { kind: 'next' });
  assert.deepEqual(judge(7), { kind: 'refused', code: 'sequence-gap' });
});

test('a repeat is known by place, count and content, and answered with its offset', () => {
  const judge = (sequence: number, count: number, crc: number) =>
    tableOfThree().judge({ id: 1n, epoch: 3, sequence }, count, crc);
  assert.deepEqual(judge(2, 3, CRC + 1), { kind: 'repeat', offset: 20, count: 3, epoch: 4 });
  assert.deepEqual(judge(0, 2, CRC), { kind: 'repeat', offset: 10, count: 2, epoch: 4 });
  const conflict = { kind: 'refused', code: 'sequence-conflict' };
  assert.deepEqual(judge(2, 3, CRC), conflict, 'other content');
  assert.deepEqual(judge(2, 2, CRC + 1), conflict, 'other count');
  assert.deepEqual(judge(3, 3, CRC + 1), conflict, 'from the middle of a batch');
});

test('an older epoch is fenced, whatever it sends', () => {
  for (const sequence of [0, 6])
    assert.deepEqual(tableOfThree().judge({ id: 1n, epoch: 2, sequence }, 1, CRC), {
      kind: 'refused',
      code: 'producer-fenced',
    });
});

test('a new epoch forgets the batches of the one before', () => {
  const table = tableOfThree();
  table.apply(header({ epoch: 4, sequence: 0, offset: 40 }), CRC + 9);
  assert.deepEqual(table.judge({ id: 1n, epoch: 4, sequence: 2 }, 3, CRC + 1), {
    kind: 'refused',
    code: 'sequence-gap',
  });
  assert.deepEqual(table.state(1n), { id: 1n, epoch: 4, lastSequence: 0, lastOffset: 40 });
});

test('only the last few batches can be repeated', () => {
  const table = new ProducerTable();
  for (let sequence = 0; sequence <= BATCHES_PER_PRODUCER; sequence += 1)
    table.apply(header({ sequence, offset: sequence }), CRC);
  assert.deepEqual(table.judge({ id: 1n, epoch: 0, sequence: 0 }, 1, CRC), {
    kind: 'refused',
    code: 'sequence-conflict',
  });
  assert.equal(table.judge({ id: 1n, epoch: 0, sequence: 1 }, 1, CRC).kind, 'repeat');
});

test('sequences go on at 0 after 2^31 - 1', () => {
  const table = new ProducerTable();
  table.apply(header({ sequence: 2 ** 31 - 2, count: 3, offset: 5 }), CRC);
  assert.deepEqual(table.state(1n), { id: 1n, epoch: 0, lastSequence: 0, lastOffset: 7 });
  const judge = (sequence: number) => table.judge({ id: 1n, epoch: 0, sequence }, 3, CRC);
  assert.deepEqual(judge(1), { kind: 'next' });
  assert.equal(judge(2 ** 31 - 2).kind, 'repeat');
  assert.deepEqual(judge(2), { kind: 'refused', code: 'sequence-gap' });
  assert.deepEqual(judge(2 ** 31 - 1), { kind: 'refused', code: 'sequence-conflict' });
});

test('nobody is known that never sent', () => {
  assert.equal(tableOfThree().state(2n), null);
});

test('the producer whose last batch is the oldest makes room for one too many', () => {
  const table = new ProducerTable();
  for (let id = 0; id < PRODUCERS_MAX; id += 1) table.apply(header({ id: BigInt(id), offset: id }), CRC);
  table.apply(header({ id: 0n, sequence: 1, offset: PRODUCERS_MAX }), CRC);
  table.apply(header({ id: -1n + 2n ** 62n, offset: PRODUCERS_MAX + 1 }), CRC);
  assert.equal(table.size, PRODUCERS_MAX);
  assert.notEqual(table.state(0n), null, 'it has just sent');
  assert.equal(table.state(1n), null);
  assert.notEqual(table.state(2n), null);
});

test('producers expire by the time in the records, and only when another one sends', () => {
  const table = new ProducerTable();
  table.apply(header({ id: 1n, timestampMs: 1000 }), CRC);
  table.apply(header({ id: 2n, timestampMs: 1000 + PRODUCER_EXPIRY_MS }), CRC);
  assert.notEqual(table.state(1n), null);
  table.apply(header({ id: 2n, sequence: 1, timestampMs: 1001 + PRODUCER_EXPIRY_MS }), CRC);
  assert.equal(table.state(1n), null);
});

test('after a log was idle for longer, a repeat is recognized until another producer has written', () => {
  const table = new ProducerTable();
  const stored = header({ id: 1n, timestampMs: 1000 });
  table.apply(stored, CRC);
  const repeat = () => table.judge({ id: 1n, epoch: 0, sequence: 0 }, stored.count, CRC).kind;
  assert.equal(repeat(), 'repeat');
  table.apply(header({ id: 2n, timestampMs: 1000 + 2 * PRODUCER_EXPIRY_MS }), CRC);
  assert.equal(repeat(), 'next', 'as docs/reference/guarantees.md says of first batches');
});

test('batches without a producer leave no trace', () => {
  const table = tableOfThree();
  table.apply({ ...header({ offset: 50, timestampMs: 10 * PRODUCER_EXPIRY_MS }), producer: null }, CRC);
  assert.equal(table.touchedFrom(31), false);
  assert.equal(table.touchedFrom(30), true);
  assert.notEqual(table.state(1n), null);
});

const given = fc.record({
  id: fc.bigInt({ min: 0n, max: 5n }),
  epoch: fc.nat(2),
  sequence: fc.nat(2 ** 31 - 1),
  count: fc.integer({ min: 1, max: 9 }),
  timestampMs: fc.constantFrom(0, 5, PRODUCER_EXPIRY_MS, 3 * PRODUCER_EXPIRY_MS),
});

/** Timestamps never go back in a log. */
function tableOf(batches: readonly Given[], table = new ProducerTable(), from = 0): ProducerTable {
  let timestampMs = 0;
  for (const [index, batch] of batches.entries()) {
    timestampMs = Math.max(timestampMs, batch.timestampMs ?? 0);
    if (index >= from) table.apply(header({ ...batch, timestampMs, offset: 10 * index }), index);
  }
  return table;
}

test('a snapshot anywhere, and the batches since, make the same table as all batches', () => {
  fc.assert(
    fc.property(fc.array(given, { maxLength: 40 }), fc.nat(), (batches, at) => {
      const cut = batches.length === 0 ? 0 : at % batches.length;
      const snapshot = decodeProducers(encodeProducers(tableOf(batches.slice(0, cut)), 10 * cut));
      assert.equal(snapshot?.offset, 10 * cut);
      const replayed = tableOf(batches, snapshot?.table, cut);
      assert.deepEqual([...replayed.entries()], [...tableOf(batches).entries()]);
    }),
  );
});

/** Bytes in V8's old space once the young generation holds nothing of now. */
function oldBytes(collect: (options: { type: 'minor' }) => void): number {
  // What has survived twice is moved there.
  for (let times = 0; times < 2; times += 1) collect({ type: 'minor' });
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size;
}

test('batches of producers in turn leave nothing for a collection of the whole heap', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  for (const producers of [1, 3]) {
    const table = new ProducerTable();
    const send = (batches: number): void => {
      for (let at = 0; at < batches; at += 1)
        table.apply(header({ id: BigInt(at % producers), sequence: at, offset: at }), CRC);
    };
    send(1000);
    const before = oldBytes(collect);
    send(20_000);
    const grown = oldBytes(collect) - before;
    assert.equal(table.size, producers);
    assert.ok(grown < 1024 * 1024, `${producers}: ${grown} bytes more`);
  }
});

test('a copy stays what it was', () => {
  const table = tableOfThree();
  const copy = table.copy();
  table.apply(header({ epoch: 3, sequence: 6, offset: 40 }), CRC);
  assert.deepEqual(copy.state(1n), { id: 1n, epoch: 3, lastSequence: 5, lastOffset: 30 });
});

test('no damaged snapshot is believed', () => {
  const bytes = encodeProducers(tableOfThree(), 40);
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      return decodeProducers(damaged) === null;
    }),
  );
  for (let length = 0; length < bytes.length; length += 1)
    assert.equal(decodeProducers(bytes.subarray(0, length)), null);
});

test('a batch that names what it builds on is stored behind exactly that', () => {
  const after = (named: { epoch: number; lastSequence: number } | null, id = 1n) =>
    tableOfThree().judge({ id, epoch: 4, sequence: 0, after: named }, 1, CRC);
  const moved = { kind: 'refused', code: 'producer-moved' };
  assert.deepEqual(after({ epoch: 3, lastSequence: 5 }), { kind: 'next' });
  assert.deepEqual(after({ epoch: 3, lastSequence: 4 }), moved, 'a later batch was stored');
  assert.deepEqual(after({ epoch: 2, lastSequence: 5 }), moved, 'a later epoch began');
  assert.deepEqual(after(null), moved, 'it was stored after all');
  assert.deepEqual(after(null, 2n), { kind: 'next' });
  assert.deepEqual(after({ epoch: 3, lastSequence: 5 }, 2n), moved, 'it was forgotten');
});

test('a repeat of a batch that names what it builds on is a repeat, and other content in its epoch is refused', () => {
  const table = tableOfThree();
  const stamp = { id: 1n, epoch: 4, sequence: 0, after: { epoch: 3, lastSequence: 5 } };
  table.apply(header({ epoch: 4, sequence: 0, count: 2, offset: 40 }), CRC);
  assert.deepEqual(table.judge(stamp, 2, CRC), { kind: 'repeat', offset: 40, count: 2, epoch: 4 });
  assert.deepEqual(table.judge(stamp, 2, CRC + 1), { kind: 'refused', code: 'producer-moved' });
  assert.deepEqual(table.judge({ id: 1n, epoch: 3, sequence: 6 }, 1, CRC), {
    kind: 'refused',
    code: 'producer-fenced',
  });
});
