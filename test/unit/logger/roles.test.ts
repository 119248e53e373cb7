import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { followRole } from '../../../src/logger/roles.ts';

function parts() {
  const calls: string[] = [];
  const later: (() => void)[] = [];
  const clock = { nowMs: 0 };
  const say =
    (name: string) =>
    (...args: unknown[]): void => {
      calls.push([name, ...args].join(' '));
    };
  const onRole = followRole({
    api: { closeConnections: say('close connections') },
    label: { lead: say('label leader'), follow: say('label follower') },
    catalog: { set: say('catalog') },
    metrics: {
      leaderChanges: { inc: say('leader changed') },
      elections: { inc: say('elected') },
      electionDuration: { observe: say('after seconds') },
      leadershipLost: { labels: (reason: string) => ({ inc: say(`lost: ${reason}`) }) },
    },
    out: pino({ enabled: false }),
    now: () => clock.nowMs,
    after: (_ms, run) => void later.push(run),
  });
  return { calls, later, clock, onRole };
}

const other = { id: 'logger-1', api: 'http://logger-1:8080' };

test('a leader that steps down drops the label, and closes its clients when they know better', () => {
  const { calls, later, onRole } = parts();
  onRole({ kind: 'leader', epoch: 1 }, 'leading');
  assert.deepEqual(calls.splice(0), [
    'elected',
    'after seconds 0',
    'catalog leader',
    'label leader 1',
    'leader changed',
  ]);
  onRole({ kind: 'follower', epoch: 2, leader: null }, 'higher-epoch');
  assert.deepEqual(calls.splice(0), ['lost: higher-epoch', 'label follower']);
  for (const run of later) run();
  assert.deepEqual(calls, ['close connections', 'catalog follower']);
});

test('a leader that leads again at once keeps its clients', () => {
  const { calls, later, onRole } = parts();
  onRole({ kind: 'leader', epoch: 1 }, 'leading');
  onRole({ kind: 'follower', epoch: 2, leader: null }, 'higher-epoch');
  onRole({ kind: 'leader', epoch: 3 }, 'leading');
  for (const run of later) run();
  assert.ok(!calls.includes('close connections'));
});

test('the same leader heard of twice is one change; a leader in a new epoch is another', () => {
  const { calls, onRole } = parts();
  onRole({ kind: 'follower', epoch: 1, leader: other }, 'following');
  onRole({ kind: 'follower', epoch: 1, leader: null }, 'leaderless');
  onRole({ kind: 'follower', epoch: 1, leader: other }, 'following');
  onRole({ kind: 'follower', epoch: 2, leader: other }, 'following');
  assert.equal(calls.filter((call) => call === 'leader changed').length, 2);
});

test('an election lasts from losing the leader until this logger leads', () => {
  const { calls, clock, onRole } = parts();
  onRole({ kind: 'follower', epoch: 1, leader: other }, 'following');
  clock.nowMs = 5000;
  onRole({ kind: 'follower', epoch: 1, leader: null }, 'leaderless');
  clock.nowMs = 5250;
  onRole({ kind: 'leader', epoch: 2 }, 'leading');
  assert.ok(calls.includes('after seconds 0.25'), calls.join('; '));
});
