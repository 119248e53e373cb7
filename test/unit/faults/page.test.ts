import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Fault } from '../../faults/fault.ts';
import { FAULTS, PAIRS } from '../../faults/nemesis/index.ts';
import { renderPage } from '../../faults/page.ts';
import type { Result } from '../../faults/result.ts';

const fault = (name: string, gapMs?: number): Fault => ({
  name,
  needs: 'kubectl',
  ...(gapMs !== undefined && { goal: { gapMs, noFailure: true } }),
  prepare: () => Promise.reject(new Error('not made here')),
});
const result = (name: string, gapMs: number, given: Partial<Result> = {}): Result => ({
  fault: name,
  target: 'logger-0',
  gapMs,
  gapAfterMs: -5,
  failed: {},
  plainGapMs: null,
  budget: null,
  acknowledged: 1000,
  verdict: 'valid',
  counts: {},
  ...given,
});
const page = (results: Result[], faults: Fault[]) =>
  renderPage({ date: '2026-01-01', machine: 'a machine', command: 'npm test', results }, faults, []);

test('of several runs the median and the longest gap are told, and a missed goal is bold', () => {
  const steps = { voteMs: 5, registerMs: 20, promiseMs: 10 };
  const budget = { leadingMs: 40, steps, labelledMs: 60, routedMs: 80 };
  const runs = [result('a', 100), result('a', 400, { budget }), result('a', 200), result('b', 100)];
  const text = page(runs, [fault('a', 300), fault('b', 300)]);
  assert.match(text, /\| a \| 3 \| \*\*200 ms, 400 ms\*\* \| 300 ms \| 0 \| 80 ms \| {2}\| 3,000 \|/);
  assert.match(text, /\| b \| 1 \| 100 ms \| 300 ms \| 0 \|/);
  assert.match(
    text,
    /\| a \| -5 ms \| 5 ms \| 5 ms \| 20 ms \| 10 ms \| 40 ms \| 395 ms \| 60 ms \| 80 ms \|/,
  );
  assert.match(text, /4,000 appends acknowledged: 0 lost, 0 twice, 0 out of order/);
});

test('a call that failed misses the goal, an invalid history is the first thing said, and what was not run is named', () => {
  const text = page(
    [result('a', 10, { failed: { aborted: 2 }, verdict: 'invalid', counts: { lost: 1 } })],
    [fault('a', 300), fault('b')],
  );
  assert.match(text, /\| \*\*10 ms\*\* \| 300 ms \| 2 \|/);
  assert.match(text, /The history was not valid in: a\./);
  assert.match(text, /## Not measured\n\n- b\n/);
});

test('the page names every fault of the suite', () => {
  const path = new URL('../../../docs/reference/faults.md', import.meta.url);
  assert.ok(existsSync(path), 'npm run test:faults -- --write makes it');
  const text = readFileSync(path, 'utf8');
  for (const { name } of [...FAULTS, ...PAIRS]) assert.ok(text.includes(name), name);
});
