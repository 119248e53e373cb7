import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growth, valueIn } from '../../faults/gauges.ts';

test('growth is that of the medians of the first and the last third, whatever single values do', () => {
  assert.equal(growth([10, 900, 12, 11, 13, 12, 14, 1, 15]), 2);
  assert.equal(growth([5, 5, 5, 5, 5, 5]), 0);
  assert.equal(growth([7]), 0);
});

test('a metric is found by its whole name, and one that is not there is an error', () => {
  const text = '# HELP a x\na_total 3\na 1.5e3\n';
  assert.equal(valueIn(text, 'a'), 1500);
  assert.throws(() => valueIn(text, 'b'), /there is no metric b/);
});
