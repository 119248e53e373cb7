// Real loggers under more than they take, with small bounds so that a few seconds are enough. What is measured here is not how
// fast they are: the bounds asserted are so wide that only a fault passes them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overload } from '../../bench/overload.ts';

const ACCEPTED_P99_MS_MAX = 10_000;
const RSS_MIB_MAX = 700;

test('too much is refused with a time to come back, memory stays bounded, and what was accepted is there', async (t) => {
  const result = await overload({
    sizeBytes: 16 * 1024,
    seconds: 4,
    capacitySeconds: 2,
    sources: true,
    pendingMax: 8,
    environment: { DLOG_MAX_PENDING_BYTES: String(1024 * 1024), DLOG_BODY_LIMIT_BYTES: String(1024 * 1024) },
  });
  t.diagnostic(JSON.stringify(result));
  const { refused, withoutRetryAfter, accepted, lost, twice, p99Ms, leaderRssMiB } = result;
  assert.ok(accepted > 0, 'nothing was accepted');
  assert.ok(
    Object.values(refused).some((count) => count > 0),
    'nothing was refused: that was no overload',
  );
  assert.deepEqual(
    Object.keys(refused).filter((status) => status !== '429' && status !== '503'),
    [],
  );
  assert.equal(withoutRetryAfter, 0);
  assert.deepEqual({ lost, twice }, { lost: 0, twice: 0 });
  assert.ok(p99Ms < ACCEPTED_P99_MS_MAX, `p99 of what was accepted: ${p99Ms} ms`);
  assert.ok(Math.max(...leaderRssMiB) < RSS_MIB_MAX, `resident: ${leaderRssMiB.join(', ')} MiB`);
});
