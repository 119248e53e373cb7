// When ticks may be rare: whatever is due within a few heartbeats must end the calm before.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isCalm } from '../../../src/replica/calm.ts';
import { DEFAULT_TIMINGS } from '../../../src/replica/index.ts';
import { Story } from './story.ts';

const { suspectMs } = DEFAULT_TIMINGS;
const calm = (story: Story): boolean[] => ['a', 'b', 'c'].map((id) => isCalm(story.state(id)));

it('is calm where everybody hears the leader, and where it leads', () => {
  assert.deepEqual(calm(Story.begin(['a', 'b', 'c'], 'a', 'x1')), [true, true, true]);
});

it('is over for followers long before a silent leader is lost', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.now += suspectMs / 2;
  story.event('b', { type: 'tick' });
  assert.equal(isCalm(story.state('b')), false);
  assert.equal(story.state('b').lostSinceMs, null, 'not lost yet');
});

it('is over at once where the leader is lost, and for a leader that hands over', () => {
  const lost = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  lost.isolate('b');
  assert.equal(isCalm(lost.state('b')), false);
  const handing = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  handing.isolate('b', ['a']);
  handing.hold('c', 'state-stored');
  handing.event('a', { type: 'transfer', to: 'c' });
  assert.deepEqual(
    ['a', 'c'].map((id) => isCalm(handing.state(id))),
    [false, false],
  );
});
