import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommitWaiters } from '../../../src/logger/commit-waiters.ts';

test('a reader below commit does not wait', async () => {
  const waiters = new CommitWaiters();
  waiters.advance(5);
  assert.equal(await waiters.wait(4, new AbortController().signal), true);
  assert.equal(waiters.waiting, 0);
});

test('commit wakes exactly those readers whose offset it passed', async () => {
  const waiters = new CommitWaiters();
  const { signal } = new AbortController();
  const woken: number[] = [];
  const waits = [0, 1, 2].map((offset) => waiters.wait(offset, signal).then(() => woken.push(offset)));
  waiters.advance(2);
  await Promise.all(waits.slice(0, 2));
  assert.deepEqual(woken, [0, 1]);
  assert.equal(waiters.waiting, 1);
  waiters.advance(3);
  await waits[2];
  assert.equal(waiters.waiting, 0);
});

test('an aborted reader leaves with false and is forgotten', async () => {
  const waiters = new CommitWaiters();
  const leaving = new AbortController();
  const wait = waiters.wait(0, leaving.signal);
  leaving.abort();
  assert.equal(await wait, false);
  assert.equal(waiters.waiting, 0);
  assert.equal(await waiters.wait(0, leaving.signal), false, 'as does one that comes aborted');
});
