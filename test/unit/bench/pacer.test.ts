import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paced } from '../../bench/pacer.ts';

test('each is called once, in order, at its time or later, and evenly spaced', async () => {
  const dueMs: number[] = [];
  await paced({ count: 50, ratePerSecond: 1000 }, (due) => {
    assert.ok(performance.now() >= due, 'not before it is due');
    dueMs.push(due);
  });
  assert.equal(dueMs.length, 50);
  for (const [index, due] of dueMs.entries()) assert.ok(Math.abs(due - (dueMs[0] ?? 0) - index) < 1e-6);
});

test('what became due while the event loop stood still is called afterwards, with the times at which it was due', async () => {
  const dueMs: number[] = [];
  await paced({ count: 20, ratePerSecond: 1000 }, (due) => {
    if (dueMs.push(due) === 1) for (const endMs = performance.now() + 50; performance.now() < endMs; );
  });
  assert.equal(dueMs.length, 20);
  assert.ok(Math.abs((dueMs[19] ?? 0) - (dueMs[0] ?? 0) - 19) < 1e-6);
});

test('it stops with what a call throws', async () => {
  let calls = 0;
  const pace = paced({ count: 1000, ratePerSecond: 1000 }, () => {
    calls += 1;
    if (calls === 3) throw new Error('enough');
  });
  await assert.rejects(pace, /enough/);
  assert.equal(calls, 3);
});

test('it stops with the reason of its signal, also of one that was aborted before', async () => {
  const abort = new AbortController();
  let calls = 0;
  const pace = paced(
    { count: 1000, ratePerSecond: 1000 },
    () => {
      calls += 1;
      if (calls === 3) abort.abort(new Error('gone'));
    },
    abort.signal,
  );
  await assert.rejects(pace, /gone/);
  assert.equal(calls, 3);
  await assert.rejects(
    paced({ count: 1, ratePerSecond: 1 }, () => {}, abort.signal),
    /gone/,
  );
});
