import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantedIds } from '../../../src/logger/wanted-members.ts';

test('the wanted members are the pods of the StatefulSet', () => {
  assert.deepEqual(wantedIds('logger', 3), ['logger-0', 'logger-1', 'logger-2']);
});

test('a StatefulSet switched off, or not seen yet, changes no members', () => {
  assert.equal(wantedIds('logger', 0), null);
  assert.equal(wantedIds('logger', null), null);
});
