// A follower may have been down for long: what it had stored as committed says nothing of what was acknowledged meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commitIsCurrent } from '../../../src/logger/driver/current-commit.ts';
import { Story } from '../replica/story.ts';

const current = (story: Story, id: string): boolean => commitIsCurrent(story.state(id));

test('the commit of a leader is current, and that of a follower once its leader has told it', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => current(story, id)),
    [true, true, true],
  );
});

test('a follower that comes back in the same epoch has to be told the commit in its new stream', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.crash('b');
  story.append('a', 'x2');
  // What the leader tells is still on its way.
  story.tamper = (message) => ('commit' in message ? { ...message, commit: -1 } : message);
  story.start('b');
  const { receiver, commit, log } = story.state('b');
  assert.deepEqual([receiver?.phase, commit, log.pairs.at(-1)?.epoch], ['ready', 1, receiver?.claim.epoch]);
  assert.equal(current(story, 'b'), false);
  story.tamper = (message) => message;
  story.append('a', 'x3');
  assert.equal(current(story, 'b'), true);
});

test('the commit of a new leader is not current below the start of its epoch: more may have been acknowledged', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.tamper = (message) => ('commit' in message ? { ...message, commit: 0 } : message);
  story.append('a', 'x2');
  assert.equal(story.state('a').commit, 2);
  for (const id of ['a', 'c']) story.hold(id, 'log-changed');
  story.event('a', { type: 'transfer', to: 'b' });
  story.pass(100);
  const { leading, commit } = story.state('b');
  assert.deepEqual([leading?.phase, leading?.start, commit], ['serving', 2, 1]);
  assert.equal(current(story, 'b'), false);
  story.release('c');
  story.pass(50);
  assert.equal(story.state('b').commit, 2);
  assert.equal(current(story, 'b'), true);
});
