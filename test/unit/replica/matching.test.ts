// Where two logs part: the decision alone, and the paging of a long list of pairs in a story.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { match, wholeUnder } from '../../../src/replica/matching.ts';
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

test('a whole log is shared when its last epoch goes on as far here, under the pair that says so', () => {
  const cases = [
    [{ epoch: 3, end: 15 }, pair(3, 10)],
    [{ epoch: 3, end: 20 }, pair(3, 10)],
    [{ epoch: 5, end: 30 }, pair(5, 20)],
    // It goes on in an epoch that ended sooner here, is ahead, or has an epoch that is strange here.
    [{ epoch: 3, end: 21 }, null],
    [{ epoch: 5, end: 31 }, null],
    [{ epoch: 4, end: 12 }, null],
    [{ epoch: 0, end: 0 }, null],
  ] as const;
  for (const [position, expected] of cases) assert.deepEqual(wholeUnder(source, position), expected);
  assert.equal(wholeUnder({ ...source, first: 16 }, { epoch: 3, end: 15 }), null);
});

test('a new leader does not match followers that have nothing but what it has', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1', 'x2');
  story.isolate('c');
  story.append('a', 'x3');
  story.sent.length = 0;
  story.event('a', { type: 'transfer', to: 'b' });
  story.pass(50);
  story.join('c');
  story.pass(50);
  for (const one of ['a', 'c']) assert.ok(story.sent.includes(`b pair ${one}`), `${one} is followed`);
  assert.deepEqual(
    story.sent.filter((line) => / (tail|cut|ready) /.test(line)),
    [],
  );
  for (const one of ['a', 'c']) assert.equal(story.log(one), story.log('b'));
});

test('a follower that is not where its promise had left it is matched after all', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.isolate('c');
  story.append('a', 'x2');
  story.sent.length = 0;
  story.tamper = (message) =>
    message.type === 'follow' && message.from
      ? { ...message, from: { ...message.from, end: message.from.end + 1 } }
      : message;
  story.join('c');
  assert.deepEqual(
    story.sent.filter((line) => / (follow|tail|cut|ready) /.test(line)),
    ['a follow c', 'c tail a', 'a cut c', 'c ready a'],
  );
  assert.equal(story.log('c'), story.log('a'));
  story.append('a', 'x3');
  assert.equal(story.log('c'), story.log('a'));
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
