// The rehearsal is worth nothing when it does not come to the end of its play.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rehearse } from '../../../src/logger/rehearsal.ts';

test('a rehearsal elects, hands over, loses a leader, and commits under each', () => {
  assert.deepEqual(rehearse(), { leaderships: 3, committed: 3 });
});
