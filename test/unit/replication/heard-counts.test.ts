// What the main thread learns of a logger that says the same again and again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Beat } from '../../../src/replica/index.ts';
import { HeardCounter, HeardReader, heardCounts, type Place } from '../../../src/replication/heard-counts.ts';
import { HEARD_COUNTS_MAX } from '../../../src/replication/limits.ts';

const beatOf = (promisedEpoch: number): Beat => ({ promisedEpoch, claim: null, established: false });

function threads() {
  const counts = heardCounts();
  const counter = new HeardCounter(counts);
  const reader = new HeardReader(counts);
  return {
    counter,
    next: (uid: string): Place => counter.next(uid) ?? assert.fail('there is no room'),
    told: (uid: string, epoch: number, place: Place) => reader.told({ uid, beat: beatOf(epoch), place }),
    look: () => {
      const heard: [string, number][] = [];
      reader.look((uid, { promisedEpoch }) => heard.push([uid, promisedEpoch]));
      return heard;
    },
  };
}

test('a logger is heard once at each look for however many beats, and not when none came', () => {
  const { counter, next, told, look } = threads();
  const [a, b] = [next('a'), next('b')];
  told('a', 1, a);
  told('b', 2, b);
  assert.deepEqual(look(), []);
  counter.again(a);
  counter.again(a);
  assert.deepEqual(look(), [['a', 1]]);
  assert.deepEqual(look(), []);
  counter.again(b);
  assert.deepEqual(look(), [['b', 2]]);
});

test('what a logger says no more is not heard again while word of the new is under way', () => {
  const { counter, next, told, look } = threads();
  told('a', 1, next('a'));
  const later = next('a');
  counter.again(later);
  assert.deepEqual(look(), []);
  told('a', 2, later);
  counter.again(later);
  assert.deepEqual(look(), [['a', 2]]);
});

test('beats before what was told last are no news', () => {
  const { counter, next, told, look } = threads();
  const first = next('a');
  told('a', 1, first);
  counter.again(first);
  told('a', 2, next('a'));
  assert.deepEqual(look(), []);
});

test('loggers beyond the room are not counted, and those before keep their places', () => {
  const { counter, next, told, look } = threads();
  const first = next('logger-0');
  told('logger-0', 1, first);
  for (let i = 1; i < HEARD_COUNTS_MAX; i += 1) counter.again(next(`logger-${i}`));
  assert.equal(counter.next('one-more'), null);
  assert.deepEqual(look(), []);
  counter.again(first);
  assert.deepEqual(look(), [['logger-0', 1]]);
  assert.deepEqual(next('logger-0'), { ...first, saying: first.saying + 1 });
});
