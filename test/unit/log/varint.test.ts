import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { VarintReader, varintSize, writeVarint } from '../../../src/log/varint.ts';

/** The definition, in BigInt: zigzag, then seven bits a byte. */
function reference(value: bigint): number[] {
  let rest = value >= 0n ? 2n * value : -2n * value - 1n;
  const bytes: number[] = [];
  while (rest >= 128n) {
    bytes.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  return [...bytes, Number(rest)];
}

const read = (bytes: number[]): number => {
  const reader = new VarintReader(Buffer.from(bytes), 0, bytes.length);
  const value = reader.next();
  assert.equal(reader.position, bytes.length);
  return value;
};

test('32-bit numbers are written as defined, in the size foretold', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => {
      const expected = reference(BigInt(value));
      const target = Buffer.alloc(8);
      assert.equal(writeVarint(target, value, 1), 1 + expected.length);
      assert.deepEqual([...target.subarray(1, 1 + expected.length)], expected);
      assert.equal(varintSize(value), expected.length);
      assert.equal(read(expected), value);
    }),
    {
      examples: [[0], [-1], [63], [64], [-64], [-65], [8191], [8192], [2 ** 31 - 1], [-(2 ** 31)]],
      numRuns: 1000,
    },
  );
});

test('numbers of up to 2^52 are read exactly', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }), (value) =>
      assert.equal(read(reference(BigInt(value))), value),
    ),
  );
});

test('bytes that end early, or never, are an error', () => {
  assert.throws(() => read([0x80]), RangeError);
  assert.throws(() => read(Array(11).fill(0x80)), RangeError);
  const reader = new VarintReader(Buffer.alloc(4), 0, 4);
  assert.throws(() => reader.skip(5), RangeError);
  assert.throws(() => reader.skip(-1), RangeError);
  assert.equal(reader.skip(4), 0);
});
