// The classic stories of replicated logs, told by the core alone. The trace beside each is what must happen, in order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TIMINGS } from '../../../src/replica/index.ts';
import { Story } from './story.ts';

const expect = (story: Story, trace: string): void => {
  const lines = trace
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  assert.deepEqual(story.trace, lines);
};

test('a stale leader: cut off, it goes on appending, and nothing of it counts', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.deaf.add('a');
  story.isolate('a');
  story.append('a', 'stale');
  story.pass(100);
  const leader = story.state('b').leading ? 'b' : 'c';
  story.append(leader, 'x2');
  story.join('a');
  story.pass(100);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    a appends stale up to 2
    register: epoch 3 of c, members a1 b1 c1
    c stores epoch 3 from 1 on
    c is leading, epoch 3
    b is following, epoch 3
    b stores epoch 3 from 1 on
    c appends x2 up to 2
    c commits 2
    b commits 2
    a is leaderless, epoch 3 (higher-epoch)
    a is following, epoch 3
    a cuts to 1, epoch 2
    a stores epoch 3 from 1 on
    a commits 2
  `,
  );
});

test('diverging tails: the longer log of the older epoch loses', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.isolate('a');
  story.append('a', 'old1', 'old2', 'old3');
  story.pass(100);
  const leader = story.state('b').leading ? 'b' : 'c';
  story.append(leader, 'new1');
  story.crash(leader);
  story.join('a');
  story.pass(2000);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    a appends old1 old2 old3 up to 4
    register: epoch 3 of c, members a1 b1 c1
    a is leaderless, epoch 2 (register)
    c stores epoch 3 from 1 on
    c is leading, epoch 3
    b is following, epoch 3
    b stores epoch 3 from 1 on
    c appends new1 up to 2
    c commits 2
    b commits 2
    b is leaderless, epoch 3
    register: epoch 4 of b, members a1 b1 c1
    b stores epoch 4 from 2 on
    b is leading, epoch 4
    a is following, epoch 4
    a cuts to 1, epoch 2
    a stores epoch 3 from 1 on
    a stores epoch 4 from 2 on
    a commits 2
  `,
  );
  assert.equal(story.log('a'), story.log(leader === 'b' ? 'c' : 'b'));
});

test('figure 8: copies of an older epoch on a majority are not committed before the own pair is', () => {
  const story = Story.begin(['a', 'b', 'c', 'd', 'e'], 'a', 'x1');
  for (const one of ['c', 'd', 'e']) story.isolate(one, ['a', 'b']);
  story.append('a', 'old');
  story.crash('a', 'b');
  for (const one of ['c', 'd', 'e']) story.hold(one, 'log-changed');
  story.pass(100);
  const second = ['c', 'd', 'e'].find((id) => story.state(id).leading)!;
  const rest = ['c', 'd', 'e'].filter((id) => id !== second);
  // Its pair and its record are on its own disk alone when it dies.
  story.isolate(second);
  story.release(second);
  story.append(second, 'lone');
  story.crash(second);
  for (const one of rest) story.join(one);
  story.start('a');
  story.pass(600);
  assert.equal(story.state('a').commit, 1, 'three of five have "old", but not the pair behind it');
  story.say('the pairs are down');
  for (const one of rest) story.release(one);
  story.start(second);
  story.pass(50);
  expect(
    story,
    `
    c is leaderless, epoch 2
    d is leaderless, epoch 2
    e is leaderless, epoch 2
    a appends old up to 2
    b is leaderless, epoch 2
    register: epoch 3 of c, members a1 b1 c1 d1 e1
    c stores epoch 3 from 1 on
    c is leading, epoch 3
    c appends lone up to 2
    register: epoch 4 of a, members a1 b1 c1 d1 e1
    a stores epoch 4 from 2 on
    a is leading, epoch 4
    d is following, epoch 4
    e is following, epoch 4
    the pairs are down
    d stores epoch 4 from 2 on
    e stores epoch 4 from 2 on
    a commits 2
    d commits 2
    e commits 2
  `,
  );
});

test('KIP-101: a follower restarts with records that its new leader does not have', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1', 'x2');
  story.isolate('a');
  story.append('a', 'lost1', 'lost2');
  story.crash('a');
  story.pass(100);
  story.join('a');
  story.start('a');
  story.pass(500);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    a appends lost1 lost2 up to 4
    register: epoch 3 of c, members a1 b1 c1
    c stores epoch 3 from 2 on
    c is leading, epoch 3
    b is following, epoch 3
    b stores epoch 3 from 2 on
    a is following, epoch 3
    a cuts to 2, epoch 2
    a stores epoch 3 from 2 on
  `,
  );
});

test('KIP-279: leaders change twice, and each follower is cut to where the last shared epoch ends', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.isolate('a');
  story.append('a', 'a1', 'a2');
  story.crash('a');
  story.pass(100);
  const [second, third] = story.state('b').leading ? ['b', 'c'] : ['c', 'b'];
  story.append(second, 'y1');
  story.isolate(second);
  story.append(second, 'y2', 'y3');
  story.crash(second);
  story.join('a', third);
  story.start('a');
  story.pass(1500);
  story.append(third, 'z1');
  story.join(second);
  story.start(second);
  story.pass(100);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    a appends a1 a2 up to 3
    register: epoch 3 of c, members a1 b1 c1
    c stores epoch 3 from 1 on
    c is leading, epoch 3
    b is following, epoch 3
    b stores epoch 3 from 1 on
    c appends y1 up to 2
    c commits 2
    b commits 2
    b is leaderless, epoch 3
    c appends y2 y3 up to 4
    register: epoch 4 of b, members a1 b1 c1
    b stores epoch 4 from 2 on
    b is leading, epoch 4
    a is following, epoch 4
    a cuts to 1, epoch 2
    a stores epoch 3 from 1 on
    a stores epoch 4 from 2 on
    a commits 2
    b appends z1 up to 3
    b commits 3
    a commits 3
    c is following, epoch 4
    c cuts to 2, epoch 3
    c stores epoch 4 from 2 on
    c commits 3
  `,
  );
  assert.equal(story.log('a'), story.log('b'));
  assert.equal(story.log('c'), story.log('b'));
});

test('commit known late: the acknowledged record survives a leader that nobody heard the commit of', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.isolate('c');
  story.hold('b');
  story.append('a', 'x2');
  story.release('b');
  story.crash('a');
  story.join('c');
  story.pass(2000);
  expect(
    story,
    `
    c is leaderless, epoch 2
    a appends x2 up to 2
    a commits 2
    b commits 2
    b is leaderless, epoch 2
    register: epoch 3 of b, members a1 b1 c1
    b stores epoch 3 from 2 on
    b is leading, epoch 3
    c is following, epoch 3
    c stores epoch 3 from 2 on
    c commits 2
  `,
  );
});

test('a promise outlives a restart: the former leader is refused', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.deaf.add('a');
  story.isolate('a');
  story.pass(100);
  const [next, voter] = story.state('b').leading ? ['b', 'c'] : ['c', 'b'];
  story.crash(voter);
  story.isolate(next, [voter]);
  story.start(voter);
  story.join(voter);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    register: epoch 3 of c, members a1 b1 c1
    c stores epoch 3 from 1 on
    c is leading, epoch 3
    b is following, epoch 3
    b stores epoch 3 from 1 on
    a is leaderless, epoch 2 (higher-epoch)
    b is following, epoch 3
  `,
  );
  assert.equal(story.disks.get(voter)!.state.promisedEpoch, story.state(next).promised!.epoch);
});

test('a follower that lost only its own connection is vetoed by those who still hear the leader', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.disconnect('a', 'c');
  story.pass(500);
  story.join('c');
  story.append('a', 'x2');
  story.pass(20);
  expect(
    story,
    `
    c is leaderless, epoch 2
    c is following, epoch 2
    a appends x2 up to 2
    a commits 2
    b commits 2
    c commits 2
  `,
  );
});

const HANDED_OVER = `
    register: epoch 3 of c, members a1 b1 c1
    a is following, epoch 3 (transferred)
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    c stores epoch 3 from 1 on
    c is leading, epoch 3
    a stores epoch 3 from 1 on
    b is following, epoch 3
    b stores epoch 3 from 1 on
`;

test('a transfer: the target takes the register, the former leader drains, and follows', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.event('a', { type: 'transfer', to: 'c' });
  story.pass(20);
  expect(story, HANDED_OVER);
});

test('a transfer, Consul answers its winner late: the former leader has read who won, and says so', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.nextWrite = 'answered late';
  story.event('a', { type: 'transfer', to: 'c' });
  story.pass(20);
  story.append('c', 'x2');
  story.answerLate();
  story.pass(50);
  expect(
    story,
    `${HANDED_OVER}
    c appends x2 up to 2
    c commits 2
    a commits 2
    b commits 2
    Consul answers
  `,
  );
  assert.equal(story.state('c').seen?.session, story.state('c').leading?.session);
});

test('a transfer, the former leader read another winner: its word changes nothing', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.nextWrite = 'answered late';
  story.tamper = (message) =>
    message.type === 'drained' && message.seen
      ? { ...message, seen: { ...message.seen, successor: { epoch: 3, incarnation: 'of nobody' } } }
      : message;
  story.event('a', { type: 'transfer', to: 'c' });
  story.pass(20);
  assert.equal(story.state('c').campaigning?.phase, 'taking');
  assert.equal(story.state('c').leading, null);
  story.answerLate();
  story.pass(50);
  assert.equal(story.state('c').leading?.phase, 'serving');
});

test('a transfer to somebody who cannot come about: the leader goes on', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.event('a', { type: 'transfer', to: 'nobody' });
  story.isolate('b', ['c']);
  story.hold('c');
  story.append('a', 'x2');
  story.event('a', { type: 'transfer', to: 'c' });
  story.pass(3500);
  story.release('c');
  story.append('a', 'x3');
  expect(
    story,
    `
    a refuses: nobody is not a member that follows
    a appends x2 up to 2
    a commits 2
    b commits 2
    c commits 2
    a appends x3 up to 3
    a commits 3
    b commits 3
    c commits 3
  `,
  );
});

test('a change of the log that cannot be: the stream of who asked for it ends, and its logger goes on', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.event('b', { type: 'change-refused', log: story.state('b').log, text: 'a cut beyond the end' });
  story.append('a', 'x2');
  story.pass(500);
  expect(
    story,
    `
    a appends x2 up to 2
    a commits 2
    c commits 2
    b commits 2
  `,
  );
  assert.ok(story.sent.includes('b stream-end a'), story.sent.join(', '));
});

test('a wiped disk: the same id with another uid is no voter, catches up, and is swapped in by one change', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1', 'x2');
  story.crash('c');
  story.wipe('c');
  story.start('c');
  story.pass(50);
  expect(
    story,
    `
    c is following, epoch 2
    c stores epoch 1 from 0 on
    c stores epoch 2 from 0 on
    c commits 1
    c commits 2
    register: epoch 2 of a, members a1 b1 c2
  `,
  );
});

for (const how of ['unknown, done', 'unknown, not done'] as const)
  test(`a change of members, its outcome ${how}: both sets count until it is known`, () => {
    const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
    story.nextWrite = how;
    story.event('a', { type: 'want-members', ids: ['a', 'b'] });
    story.pass(50);
    story.append('a', 'x2');
    expect(
      story,
      how === 'unknown, done'
        ? `
    register: epoch 2 of a, members a1 b1
    a hears nothing from Consul
    a appends x2 up to 2
    a commits 2
    b commits 2
    c commits 2
  `
        : `
    a hears nothing from Consul
    register: epoch 2 of a, members a1 b1
    a appends x2 up to 2
    a commits 2
    b commits 2
    c commits 2
  `,
    );
  });

test('a change of members, the leader dies before its write: the next one finds the old set', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.isolate('b', ['a']);
  story.hold('c');
  story.append('a', 'x2');
  story.event('a', { type: 'want-members', ids: ['a', 'b'] });
  story.crash('a');
  story.release('c');
  story.join('b');
  story.pass(2000);
  expect(
    story,
    `
    b is leaderless, epoch 2
    a appends x2 up to 2
    c is leaderless, epoch 2
    register: epoch 3 of c, members a1 b1 c1
    c stores epoch 3 from 2 on
    c is leading, epoch 3
    b is following, epoch 3
    b stores epoch 3 from 2 on
    c commits 2
    b commits 2
  `,
  );
});

test('the register is lost while a leader leads: it is written again in the same epoch', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.loseRegister();
  story.pass(50);
  expect(
    story,
    `
    Consul lost the register
    register: epoch 2 of a, members a1 b1 c1
  `,
  );
});

test('the register and the leader are lost: only all members together rebuild it', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.crash('a');
  story.loseRegister();
  story.pass(3000);
  story.say('a comes back');
  story.start('a');
  story.pass(3000);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    Consul lost the register
    a comes back
    register: epoch 3 of c, members a1 b1 c1
    c stores epoch 3 from 1 on
    c is leading, epoch 3
    b is following, epoch 3
    a is following, epoch 3
    b stores epoch 3 from 1 on
    a stores epoch 3 from 1 on
  `,
  );
});

test('a leader that no majority answers steps down', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  for (const one of ['b', 'c']) story.deaf.add(one);
  story.isolate('b');
  story.isolate('c');
  story.pass(1200);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    a is leaderless, epoch 2 (quiet)
  `,
  );
});

test('asked to cut below its own commit, a replica stops', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1', 'x2');
  story.crash('a', 'b', 'c');
  for (const id of ['a', 'b']) {
    const disk = story.disks.get(id)!;
    disk.records.length = 1;
    disk.syncedEnd = 1;
    disk.commit = 1;
  }
  story.start('a', 'b');
  story.pass(1000);
  story.start('c');
  story.pass(50);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    register: epoch 3 of a, members a1 b1 c1
    a stores epoch 3 from 1 on
    a is leading, epoch 3
    b is following, epoch 3
    b stores epoch 3 from 1 on
    c is following, epoch 3
    c stops: cut-below-commit
  `,
  );
});

test('a candidate whose writes stay unsettled asks Consul again and again, with pauses', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.writesLost = true;
  story.asked = 0;
  story.crash('a');
  story.pass(2000);
  const { asked } = story;
  assert.ok(asked >= 10, `only ${asked} questions in 2 s`);
  // A read and a write of each of the two.
  assert.ok(asked <= 4 * (2000 / DEFAULT_TIMINGS.preVoteRetryMs), `${asked} questions in 2 s`);
  story.writesLost = false;
  story.pass(100);
  assert.ok(['b', 'c'].some((id) => story.state(id).leading?.phase === 'serving'));
});

test('a candidate that finds an old register asks Consul again and again, with pauses', () => {
  const story = new Story(['a', 'b', 'c']);
  story.start('a', 'b', 'c');
  story.pass(100);
  const backup = story.register;
  const first = ['a', 'b', 'c'].find((id) => story.state(id).leading)!;
  const [second, third] = ['a', 'b', 'c'].filter((id) => id !== first) as [string, string];
  story.event(first, { type: 'transfer', to: second });
  story.pass(100);
  story.crash(first, second);
  story.restoreRegister(backup);
  story.asked = 0;
  story.pass(2000);
  const { asked } = story;
  assert.ok(asked >= 10, `only ${asked} questions in 2 s`);
  assert.ok(asked <= 2000 / DEFAULT_TIMINGS.preVoteRetryMs, `${asked} questions in 2 s`);
  story.start(first, second);
  story.pass(2000);
  assert.ok([first, second, third].some((id) => story.state(id).leading?.phase === 'serving'));
});

/** The power goes, and what comes back of the log of `id` ends at `end`, with whole records behind a bad one. */
function spoil(story: Story, id: string, end: number): void {
  const disk = story.disks.get(id)!;
  disk.records.length = end;
  disk.syncedEnd = end;
  disk.commit = Math.min(disk.commit, end);
  disk.state = { ...disk.state, uncertain: true };
}

test('a voter that may have lost records: it does not make a leader with one that lacks them', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.isolate('c');
  story.append('a', 'x2');
  story.crash('a', 'b');
  spoil(story, 'b', 1);
  story.join('c');
  story.start('b');
  story.say('two of three are up');
  story.pass(5000);
  assert.equal(story.state('b').uncertain, true);
  story.say('all are up');
  story.start('a');
  story.pass(2000);
  expect(
    story,
    `
    c is leaderless, epoch 2
    a appends x2 up to 2
    a commits 2
    b commits 2
    b is leaderless, epoch 2
    two of three are up
    all are up
    register: epoch 3 of a, members a1 b1 c1
    a stores epoch 3 from 2 on
    a is leading, epoch 3
    b is following, epoch 3
    c is following, epoch 3
    b stores epoch 3 from 2 on
    b commits 2
    c stores epoch 3 from 2 on
    c commits 2
  `,
  );
  assert.equal(story.state('b').uncertain, false);
  assert.equal(story.disks.get('b')!.state.uncertain, undefined);
});

test('three voters that may have lost records: all together they make a leader, which adopts the highest position', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1', 'x2', 'x3');
  story.crash('a', 'b', 'c');
  spoil(story, 'a', 1);
  spoil(story, 'b', 1);
  spoil(story, 'c', 3);
  story.start('a', 'b');
  story.say('two of three are up');
  story.pass(5000);
  story.say('all are up');
  story.start('c');
  story.pass(2000);
  expect(
    story,
    `
    b is leaderless, epoch 2
    c is leaderless, epoch 2
    two of three are up
    all are up
    register: epoch 3 of c, members a1 b1 c1
    c stores epoch 3 from 3 on
    c is leading, epoch 3
    a is following, epoch 3
    b is following, epoch 3
    a stores epoch 3 from 3 on
    a commits 3
    b stores epoch 3 from 3 on
    b commits 3
  `,
  );
  for (const id of ['a', 'b', 'c']) assert.equal(story.disks.get(id)!.state.uncertain, undefined);
});

test('a voter that may have lost records of the present epoch is uncertain until it has what was committed', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1', 'x2');
  story.crash('b');
  spoil(story, 'b', 1);
  story.isolate('b');
  story.start('b');
  story.hold('b', 'synced');
  story.join('b');
  story.pass(50);
  assert.equal(story.log('b'), story.log('a'));
  assert.equal(
    story.state('b').uncertain,
    true,
    'it has the pair of the epoch, but not on disk what the leader committed',
  );
  story.release('b');
  story.pass(50);
  assert.equal(story.state('b').uncertain, false);
  assert.equal(story.disks.get('b')!.state.uncertain, undefined);
});
