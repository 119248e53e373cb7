import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs, momentMs } from '../../../src/cli/times.ts';

const NOW_MS = Date.UTC(2026, 0, 31, 12);

test('how long', () => {
  const expected = {
    '500ms': 500,
    '30': 30_000,
    '30s': 30_000,
    '10m': 600_000,
    '2h': 7_200_000,
    '1d': 86_400_000,
  };
  for (const [text, ms] of Object.entries(expected)) assert.equal(durationMs(text), ms, text);
  for (const text of ['', 'm', '1w', '-1s', '1.5h', '1 s']) assert.equal(durationMs(text), null, text);
});

test('since when: that long ago, or a moment with its zone', () => {
  assert.equal(momentMs('10m', NOW_MS), NOW_MS - 600_000);
  assert.equal(momentMs('999999d', NOW_MS), 0);
  for (const text of ['2026-01-31T12:00:00Z', '2026-01-31 13:00+01:00', '2026-01-31t12:00:00.000z'])
    assert.equal(momentMs(text, 0), NOW_MS, text);
  for (const text of ['2026-01-31', '2026-01-31T12:00:00', '2026-13-31T12:00:00Z', 'now'])
    assert.equal(momentMs(text, NOW_MS), null, text);
});
