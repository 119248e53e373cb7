// Where two logs part: the decision alone, and the paging of a long list of pairs in a story.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { match } from '../../../src/replica/matching.ts';
import { Story } from './story.ts';

const pair = (epoch: number, start: number): { epoch: number; start: number } => ({ epoch, start });

const source = { first: 0, end: 30, pairs: [pair(1, 0), pair(3, 10), pair(5, 20)] };

test('the last shared epoch decides, and the smaller of its two ends', () => {
  const shorter = { first: 0, end: 15, pairs: [pair(1, 0), pair(3, 10)], complete: true };
  assert.deepEqual(match(source, shorter), { kind: 'shared', end: 15, epoch: 3 });
  const longer = { ...shorter, end: 25 };
  assert.deepEqual(match(source, longer), { kind: 'shared', end: 20, epoch: 3 });
  const parted = { ...shorter, pairs: [pair(1, 0), pair(2, 7), pair(4, 12)] };
  assert.deepEqual(match(source, parted), { kind: 'shared', end: 7, epoch: 1 });
});

test('without a shared epoch everything is cut, or started anew where the beginning is gone', () => {
  const strange = { first: 0, end: 8, pairs: [pair(2, 0)], complete: true };
  assert.deepEqual(match(source, strange), { kind: 'shared', end: 0, epoch: 0 });
  assert.deepEqual(match({ ...source, first: 5 }, strange), { kind: 'restart' });
  assert.deepEqual(match(source, { ...strange, complete: false }), { kind: 'older', below: 2 });
});

test('what the source does not keep any more cannot be shared', () => {
  const behind = { first: 0, end: 4, pairs: [pair(1, 0)], complete: true };
  assert.deepEqual(match({ ...source, first: 5 }, behind), { kind: 'restart' });
  const parted = { first: 0, end: 12, pairs: [pair(1, 0), pair(2, 4)], complete: true };
  assert.deepEqual(match({ ...source, first: 5 }, parted), { kind: 'restart' });
});

test('one epoch with two starts is nothing to go on from', () => {
  const lying = { first: 0, end: 15, pairs: [pair(3, 9)], complete: false };
  assert.deepEqual(match(source, lying), { kind: 'disagree', epoch: 3 });
});

test('a follower with more strange epochs than a page holds is asked for the older ones', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.crash('c');
  const disk = story.disks.get('c')!;
  for (let epoch = 3; epoch <= 200; epoch += 1) disk.pairs.push(pair(epoch, 1));
  story.trace.length = 0;
  story.start('c');
  story.append('a', 'x2');
  assert.deepEqual(story.trace, [
    'c is following, epoch 2',
    'c cuts to 1, epoch 2',
    'a appends x2 up to 2',
    'a commits 2',
    'b commits 2',
    'c commits 2',
  ]);
});
