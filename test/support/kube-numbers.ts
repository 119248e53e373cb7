// The producer's numbers, as the loggers' logs tell them.
import assert from 'node:assert/strict';
import type { Row } from './kube-stack.ts';

/** `Message: 7` is 7; what others wrote into the log counts for nothing. */
export const numbersOf = (rows: readonly Row[]): number[] =>
  rows.flatMap(({ value }) => {
    const number = /^Message: (\d+)$/.exec(value)?.[1];
    return number === undefined ? [] : [Number(number)];
  });

/** How long the log stood still at most, from one record to the next: with a steady producer, what takeovers cost. */
export function longestGapMs(rows: readonly Row[]): number {
  let longest = 0;
  for (const [index, row] of rows.entries()) {
    const before = rows[index - 1];
    if (before !== undefined) longest = Math.max(longest, row.timestamp - before.timestamp);
  }
  return longest;
}

/** One log, the same on every logger as far as each has it: offsets without holes, every number from 1 on once, in order. */
export function assertExactlyOnce(logs: ReadonlyMap<string, readonly Row[]>): number {
  let longest: readonly Row[] = [];
  for (const rows of logs.values()) if (rows.length > longest.length) longest = rows;
  for (const [name, rows] of logs) {
    for (const [index, row] of rows.entries()) {
      assert.equal(row.offset, index, `${name} has a hole`);
      assert.deepEqual(row, longest[index], `${name} has another record at ${index}`);
    }
  }
  const numbers = numbersOf(longest);
  for (const [index, number] of numbers.entries()) {
    assert.equal(number, index + 1, `after ${index} numbers in order comes ${number}`);
  }
  return numbers.length;
}
