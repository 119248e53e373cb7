import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../../src/producer/pace.ts';

/** A clock that only sleeping and `spend` move on. */
function pace(rate: number) {
  let now = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const subject = new Pace(rate, clock);
  const signal = new AbortController().signal;
  return {
    spend: (ms: number) => {
      now += ms;
    },
    async due() {
      const count = await subject.due(signal);
      return { count, at: now };
    },
  };
}

test('messages are due one after another, the first at once', async () => {
  const { due } = pace(10);
  assert.deepEqual(
    [await due(), await due(), await due()],
    [
      { count: 1, at: 0 },
      { count: 1, at: 100 },
      { count: 1, at: 200 },
    ],
  );
});

test('what fell due meanwhile is due together, and the rate is kept', async () => {
  const { due, spend } = pace(10);
  await due();
  spend(350);
  assert.deepEqual(await due(), { count: 3, at: 350 });
  assert.deepEqual(await due(), { count: 1, at: 400 });
});

test('after a long outage only the last second is caught up', async () => {
  const { due, spend } = pace(10);
  await due();
  spend(60_000);
  assert.deepEqual(await due(), { count: 11, at: 60_000 });
  assert.deepEqual(await due(), { count: 1, at: 60_100 });
});

test('a slow rate catches up one message at most', async () => {
  const { due, spend } = pace(0.2);
  await due();
  spend(60_000);
  assert.equal((await due()).count, 2);
});

test('a batch is bounded, and so is one without a rate', async () => {
  const { due, spend } = pace(1_000_000);
  await due();
  spend(900);
  assert.equal((await due()).count, 500);
  assert.deepEqual(await pace(0).due(), { count: 500, at: 0 });
});

test('waiting ends with the signal', async () => {
  const stop = new AbortController();
  const waiting = new Pace(0.001);
  await waiting.due(stop.signal);
  const second = assert.rejects(waiting.due(stop.signal), { name: 'AbortError' });
  stop.abort();
  await second;
});

test('no sleep is shorter than nothing, though time goes on with every look at the clock', async () => {
  const slept: number[] = [];
  let now = 0;
  const clock = {
    now: () => {
      now += 0.4;
      return now;
    },
    sleep: async (ms: number) => {
      slept.push(ms);
      // A timer may be early.
      now += ms * 0.9;
    },
  };
  const subject = new Pace(1000, clock);
  const signal = new AbortController().signal;
  for (let count = 0; count < 100; count += 1) await subject.due(signal);
  assert.ok(slept.length > 0);
  assert.deepEqual(
    slept.filter((ms) => ms <= 0),
    [],
  );
});
