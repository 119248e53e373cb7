import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distance, nearest } from '../../../src/cli/nearest.ts';

test('edits: added, left out, changed, swapped', () => {
  const cases: readonly [string, string, number][] = [
    ['', 'tail', 4],
    ['tail', 'tail', 0],
    ['tial', 'tail', 1],
    ['tal', 'tail', 1],
    ['taill', 'tail', 1],
    ['bail', 'tail', 1],
    ['stauts', 'status', 1],
    ['load', 'tail', 4],
  ];
  for (const [one, other, edits] of cases) {
    assert.equal(distance(one, other), edits, `${one} ${other}`);
    assert.equal(distance(other, one), edits, `${other} ${one}`);
  }
});

test('the nearest word, if it can have been meant', () => {
  const known = ['status', 'members', 'transfer', 'produce', 'tail', 'load', 'verify'];
  assert.equal(nearest('stauts', known), 'status');
  assert.equal(nearest('STATUS', known), 'status');
  assert.equal(nearest('prod', known), 'produce');
  assert.equal(nearest('verfy', known), 'verify');
  assert.equal(nearest('x', known), null);
  assert.equal(nearest('follow', known), null);
  assert.equal(nearest('a'.repeat(100_000), known), null);
});
