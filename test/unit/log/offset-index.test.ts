import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { OffsetIndex } from '../../../src/log/offset-index.ts';

interface Placed {
  readonly first: number;
  readonly last: number;
  readonly position: number;
}

const BASE = 1000;
const batches = fc.array(
  fc.record({ count: fc.integer({ min: 1, max: 50 }), size: fc.integer({ min: 70, max: 9000 }) }),
  { minLength: 1, maxLength: 60 },
);

function build(sizes: readonly { count: number; size: number }[]): {
  index: OffsetIndex;
  placed: Placed[];
  size: number;
} {
  const index = new OffsetIndex(BASE);
  const placed: Placed[] = [];
  let first = BASE;
  let position = 0;
  for (const { count, size } of sizes) {
    const last = first + count - 1;
    index.add(last, position, size);
    placed.push({ first, last, position });
    first += count;
    position += size;
  }
  return { index, placed, size: position };
}

const holds = ({ first, last }: Placed, offset: number): boolean => first <= offset && offset <= last;

test('a lookup leads at or before the batch, and not far before', () => {
  fc.assert(
    fc.property(batches, fc.nat(), (sizes, pick) => {
      const { index, placed, size } = build(sizes);
      const offset = BASE + (pick % ((placed.at(-1)?.last ?? 0) - BASE + 1));
      const batch = placed.find((one) => holds(one, offset)) as Placed;
      const found = index.positionFor(offset);
      assert.ok(placed.some(({ position }) => position === found));
      assert.ok(found <= batch.position);
      assert.ok(batch.position - found <= 4096 + 9000, `${batch.position - found} bytes to walk`);
      // As Kafka writes it, and nothing is lost on the way.
      const again = OffsetIndex.decode(BASE, index.encode(), size);
      assert.equal(again?.positionFor(offset), found);
    }),
  );
});

test('after a cut no entry leads beyond it', () => {
  fc.assert(
    fc.property(batches, fc.nat(), (sizes, pick) => {
      const { index, placed } = build(sizes);
      const { first, position } = placed[pick % placed.length] as Placed;
      index.cut(position);
      assert.ok(index.positionFor(Number.MAX_SAFE_INTEGER) < Math.max(position, 1));
      index.add(first, position, 5000);
      index.add(first + 1, position + 5000, 5000);
      assert.equal(index.positionFor(first + 1), position + 5000);
    }),
  );
});

test('entries are the last offset of a batch, relative, and its position', () => {
  const index = new OffsetIndex(BASE);
  index.add(BASE + 9, 0, 5000);
  index.add(BASE + 19, 5000, 100);
  index.add(BASE + 29, 5100, 5000);
  index.add(BASE + 31, 10_100, 100);
  assert.equal(index.encode().toString('hex'), '0000001300001388' + '0000001f00002774');
});

test('what cannot be an index of the segment is none', () => {
  const bytes = (...numbers: number[]): Buffer => {
    const buffer = Buffer.alloc(numbers.length * 4);
    for (const [at, number] of numbers.entries()) buffer.writeInt32BE(number, at * 4);
    return buffer;
  };
  const decode = (buffer: Buffer) => OffsetIndex.decode(BASE, buffer, 20_000);
  assert.equal(decode(bytes(9, 4000, 19, 8000))?.length, 2);
  assert.equal(decode(Buffer.alloc(0))?.length, 0);
  assert.equal(decode(bytes(9, 4000, 19)), null, 'half an entry');
  assert.equal(decode(bytes(9, 4000, 9, 8000)), null, 'an offset that does not rise');
  assert.equal(decode(bytes(9, 4000, 19, 4000)), null, 'a position that does not rise');
  assert.equal(decode(bytes(9, 4000, 19, 20_000)), null, 'a position beyond the end');
  assert.equal(decode(Buffer.alloc(16)), null, 'zeros');
});
