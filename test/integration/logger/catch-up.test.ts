// Readers that catch up at a real leader. Without turns the event loop stood still for as long as all of them together took, which is
// far beyond the bound; a busy machine delays it by tens of milliseconds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catchUp } from '../../bench/catch-up.ts';

const LOOP_DELAY_MS_MAX = 250;

test('readers that catch up do not hold up the leader, which goes on leading', async (t) => {
  const result = await catchUp({ records: 500_000, sizeBytes: 100, readers: 10, sources: true });
  t.diagnostic(JSON.stringify(result));
  assert.ok(
    result.loopDelay.maxMs < LOOP_DELAY_MS_MAX,
    `the event loop stood for ${result.loopDelay.maxMs} ms`,
  );
  assert.equal(result.leaderChanges, 0);
});
