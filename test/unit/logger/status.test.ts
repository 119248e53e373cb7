// What a logger says of its members while nobody leads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memberStatus } from '../../../src/logger/driver/status.ts';
import { Story } from '../replica/story.ts';

const leaderAt = (story: Story, id: string): string | undefined =>
  memberStatus(story.state(id), new Map()).find(({ role }) => role === 'leader')?.id;

test('a leader that is lost has the role of a leader no longer', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  assert.equal(leaderAt(story, 'b'), 'a');
  assert.equal(leaderAt(story, 'a'), 'a');
  const state = story.state('b');
  const leaderless: typeof state = { ...state, role: { kind: 'leaderless', epoch: state.role.epoch } };
  assert.notEqual(leaderless.leader, null, 'it is still remembered');
  const roles = memberStatus(leaderless, new Map()).map(({ role }) => role);
  assert.deepEqual(roles, ['follower', 'follower', 'follower']);
});
