// When the main thread counts as stuck.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnCounter, TurnWatch, turnCounts } from '../../../src/replication/turn-watch.ts';

const SUSPECT_MS = 400;

function watched() {
  const counts = turnCounts();
  let nowMs = 1000;
  const watch = new TurnWatch(counts, SUSPECT_MS, () => nowMs);
  return {
    counter: new TurnCounter(counts),
    watch,
    pass: (ms: number) => {
      nowMs += ms;
      watch.look();
    },
  };
}

test('a main thread that does nothing is stuck, and no more once it turns', () => {
  const { counter, watch, pass } = watched();
  pass(SUSPECT_MS);
  assert.equal(watch.stuck, false);
  pass(1);
  assert.equal(watch.stuck, true);
  counter.turn();
  pass(50);
  assert.equal(watch.stuck, false);
});

test('a long turn that takes in events is none, but one without end is', () => {
  const { counter, watch, pass } = watched();
  for (let passedMs = 0; passedMs < 5 * SUSPECT_MS; passedMs += 100) {
    counter.step();
    pass(100);
    assert.equal(watch.stuck, false, `after ${passedMs} ms`);
  }
  counter.step();
  pass(100);
  assert.equal(watch.stuck, true);
  counter.turn();
  pass(50);
  assert.equal(watch.stuck, false);
});

test('a turn that has stopped to take in events is a standstill', () => {
  const { counter, watch, pass } = watched();
  counter.step();
  pass(100);
  pass(SUSPECT_MS + 1);
  assert.equal(watch.stuck, true);
});
