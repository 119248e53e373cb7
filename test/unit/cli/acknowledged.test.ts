import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acknowledged } from '../../../src/cli/bench/acknowledged.ts';
import { originOf, Payload } from '../../../src/cli/bench/payload.ts';

const OFFSETS = [10, 11, 12, 20, 21, 40];
const told = (offsets: readonly number[] = OFFSETS, runsMax?: number): Acknowledged => {
  const acknowledged = new Acknowledged(runsMax);
  for (const offset of offsets) acknowledged.add(offset);
  return acknowledged;
};
/** Reads a log with these numbers at these offsets. */
const read = (acknowledged: Acknowledged, log: readonly (readonly [number, number])[]) => {
  for (const [number, offset] of log) acknowledged.found(number, offset);
  return acknowledged.result;
};
const whole = OFFSETS.map((offset, number) => [number, offset] as const);

test('a log that is as it was acknowledged', () => {
  const acknowledged = told();
  assert.deepEqual([acknowledged.count, acknowledged.first, acknowledged.last], [6, 10, 40]);
  assert.deepEqual(read(acknowledged, whole), { lost: 0, repeated: 0, misplaced: 0 });
  const further = [...whole, [6, 41] as const]; // sent, and never acknowledged
  assert.deepEqual(read(told(), further), { lost: 0, repeated: 0, misplaced: 0 });
});

test('what is lost in the middle or at the end, twice there, or elsewhere is counted', () => {
  assert.deepEqual(read(told(), whole.toSpliced(2, 2)), { lost: 2, repeated: 0, misplaced: 0 });
  assert.deepEqual(read(told(), whole.slice(0, 4)), { lost: 2, repeated: 0, misplaced: 0 });
  assert.deepEqual(read(told(), []), { lost: 6, repeated: 0, misplaced: 0 });
  assert.deepEqual(read(told(), whole.toSpliced(3, 0, [1, 13])), { lost: 0, repeated: 1, misplaced: 0 });
  assert.deepEqual(read(told(), whole.with(4, [4, 22])), { lost: 0, repeated: 0, misplaced: 1 });
  assert.equal(told([5, 4]).result.repeated, 1, 'acknowledged out of order');
});

test('runs beyond the bound are counted, and not checked', () => {
  const acknowledged = told(OFFSETS, 2);
  assert.deepEqual([acknowledged.count, acknowledged.checked], [6, 5]);
  assert.deepEqual(read(acknowledged, whole), { lost: 0, repeated: 0, misplaced: 0 });
});

test('a record tells whose it is', () => {
  const payload = new Payload('0123abcd', 7, 40);
  payload.next();
  const value = payload.next().toString();
  assert.equal(value, '0123abcd.007.000000000001..............'.padEnd(40, '.'));
  assert.deepEqual(originOf(value, '0123abcd', 40), { producer: 7, number: 1 });
  assert.equal(originOf(value, '0123abce', 40), null);
  assert.equal(originOf(value.replace(/.$/, 'x'), '0123abcd', 40), null);
  assert.equal(originOf(value, '0123abcd', 41), null);
});
