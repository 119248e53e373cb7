import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../../../src/client/backoff.ts';

test('the bound doubles with each step, up to the longest wait; the first retry is at once', () => {
  const bounds = [0, 1, 2, 3, 4, 8, 30, 5000].map((step) => backoffMs(step, 1000, () => 1));
  assert.deepEqual(bounds, [0, 10, 20, 40, 80, 1000, 1000, 1000]);
});

test('the wait is a random part of the bound', () => {
  assert.equal(
    backoffMs(4, 1000, () => 0),
    0,
  );
  assert.equal(
    backoffMs(4, 1000, () => 0.25),
    20,
  );
});
