import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDurationMs } from '../../../src/election/duration.ts';
import { Backoff, pause } from '../../../src/election/timing.ts';

describe('durations', () => {
  it('are read as Go writes them', () => {
    const cases: Record<string, number> = {
      '10s': 10_000,
      '10000ms': 10_000,
      '1m30s': 90_000,
      '24h0m0s': 86_400_000,
    };
    for (const [text, ms] of Object.entries(cases)) assert.equal(parseDurationMs(text), ms);
    assert.equal(parseDurationMs('1.5s'), 1500);
  });

  it('are refused otherwise', () => {
    for (const text of ['', '10', 's', '0s', '-1s', '10 s', '10sx', '5us'])
      assert.equal(parseDurationMs(text), null);
  });
});

describe('Backoff', () => {
  it('doubles up to its bound, within the upper half, and starts anew', () => {
    const highest = new Backoff(100, 500, () => 1);
    assert.deepEqual([highest.next(), highest.next(), highest.next(), highest.next()], [100, 200, 400, 500]);
    highest.reset();
    assert.equal(highest.next(), 100);
    assert.equal(new Backoff(100, 500, () => 0).next(), 50);
  });
});

describe('pause', () => {
  it('ends early by its signal, and at once when that came before', async () => {
    const end = new AbortController();
    const long = pause(3_600_000, end.signal);
    end.abort();
    await long;
    await pause(3_600_000, end.signal);
  });
});
