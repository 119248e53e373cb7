// Single conditions of the rules that other tests pass by: each of these is red when its condition alone is taken out, as
// `npm run mutants` does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim, DurableState, Member, RegisterSnapshot } from '../../../src/replica/index.ts';
import { Story } from './story.ts';

const UNKNOWN = { epoch: 0, revision: 0 };

const membersOf = ({ value }: RegisterSnapshot): string =>
  (value?.members ?? [])
    .map(({ id }) => id)
    .sort()
    .join(' ');

const leaderOf = (story: Story, ...ids: string[]): string | undefined =>
  ids.find((id) => story.state(id).leading?.phase === 'serving');

const linkTo = (story: Story, from: string, to: string): number =>
  story.state(from).byUid.get(story.disks.get(to)!.uid)!.link;

const member = (story: Story, id: string): Member => ({ id, uid: story.disks.get(id)!.uid, peer: `${id}:1` });

/** What is on the disk of a logger that is down. */
function remember(story: Story, id: string, what: Partial<DurableState>): void {
  const disk = story.disks.get(id)!;
  disk.state = { ...disk.state, ...what };
}

/** `id` is asked by `from` to promise. */
function askPromise(story: Story, id: string, from: string, claim: Claim): void {
  const leader = { id: from, incarnation: claim.incarnation, api: `http://${from}`, peer: `${from}:1` };
  story.sent.length = 0;
  story.event(id, {
    type: 'message',
    link: linkTo(story, id, from),
    message: { type: 'promise', claim, leader },
  });
}

test('rule 2: one incarnation of an epoch is promised, before a restart and after it', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  const { promised } = story.state('b');
  assert.ok(promised);
  for (const when of ['before', 'after']) {
    askPromise(story, 'b', 'c', { epoch: promised.epoch, incarnation: 'another' });
    assert.deepEqual(story.state('b').promised, promised, when);
    assert.ok(story.sent.includes('b refused c'), when);
    assert.ok(!story.sent.includes('b promised c'), when);
    story.crash('b');
    story.start('b');
  }
});

test('rule 2: a leader takes no records before its own promise is on its disk', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.hold('b', 'state-stored');
  story.event('a', { type: 'transfer', to: 'b' });
  story.pass(100);
  const { leading } = story.state('b');
  assert.equal(leading?.promises.size, 2, 'both others have promised');
  assert.equal(leading?.phase, 'promising');
  story.release('b');
  story.pass(50);
  assert.equal(story.state('b').leading?.phase, 'serving');
});

test('rule 6: joint counting goes on until the leader has stored the new members itself', () => {
  const story = new Story(['a', 'b', 'c', 'd']);
  story.start('a', 'b', 'c');
  story.pass(1500);
  const leader = leaderOf(story, 'a', 'b', 'c')!;
  story.hold(leader, 'state-stored');
  story.start('d');
  story.pass(500);
  assert.equal(membersOf(story.register), 'a b c d');
  assert.equal(story.state(leader).leading?.change?.phase, 'saving');
  story.release(leader);
  story.pass(50);
  assert.equal(story.state(leader).leading?.change, null);
});

test('rule 1: a lost register is written again with the members that it held for certain', () => {
  const story = new Story(['a', 'b', 'c', 'd']);
  story.start('a', 'b', 'c');
  story.pass(1500);
  const leader = leaderOf(story, 'a', 'b', 'c')!;
  story.hold(leader, 'state-stored');
  story.start('d');
  story.pass(500);
  assert.equal(story.state(leader).leading?.change?.phase, 'saving');
  story.loseRegister();
  story.pass(500);
  assert.equal(story.register.value?.leader.id, leader);
  assert.equal(membersOf(story.register), 'a b c d');
});

test('rule 6: who was removed does not run', () => {
  const story = Story.begin(['a', 'b', 'c', 'd'], 'a', 'x1');
  story.event('a', { type: 'want-members', ids: ['a', 'b', 'c'] });
  story.pass(500);
  assert.equal(membersOf(story.register), 'a b c');
  story.sent.length = 0;
  story.crash('a');
  story.pass(1000);
  assert.equal(leaderOf(story, 'b', 'c', 'd'), story.register.value?.leader.id);
  assert.notEqual(story.register.value?.leader.id, 'd');
  assert.ok(!story.sent.some((line) => line.startsWith('d pre-vote ')), 'it asks nobody');
});

test('rule 6: a register of an epoch that a voter knows to be past elects nobody until all members answer', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  const backup = story.register;
  story.crash('c');
  story.event('a', { type: 'transfer', to: 'b' });
  story.pass(500);
  assert.equal(story.register.value?.leader.id, 'b');
  story.crash('a', 'b');
  story.restoreRegister(backup);
  story.start('a', 'c');
  story.pass(5000);
  assert.equal(story.register.value?.epoch, backup.value?.epoch);
  story.start('b');
  story.pass(2000);
  assert.ok(leaderOf(story, 'a', 'b', 'c'));
});

test('rule 6: no register is rebuilt while the members name different sets of the same age', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.crash('a', 'b', 'c');
  story.loseRegister();
  const [a, b, c] = ['a', 'b', 'c'].map((id) => member(story, id)) as [Member, Member, Member];
  for (const id of ['a', 'c']) remember(story, id, { members: [a, b, c], membersVersion: UNKNOWN });
  remember(story, 'b', { members: [a, b], membersVersion: UNKNOWN });
  story.start('a', 'b', 'c');
  story.pass(5000);
  assert.equal(story.register.value, null);
  story.crash('b');
  remember(story, 'b', { members: [a, b, c] });
  story.start('b');
  story.pass(2000);
  assert.equal(membersOf(story.register), 'a b c');
});

test('a confirmation waits for a round that began after it', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  const leading = story.state('a').leading!;
  const waiting = (): number[] => leading.confirmations.map(({ request }) => request);
  // Answers are on their way.
  story.tamper = (message) => (message.type === 'confirmed' ? { ...message, round: -1 } : message);
  story.event('a', { type: 'confirm', request: 1 });
  const { claim, confirmRound: round } = leading;
  story.event('a', { type: 'confirm', request: 2 });
  assert.deepEqual(waiting(), [1, 2]);
  const answer = { type: 'confirmed', claim, round } as const;
  story.event('a', { type: 'message', link: linkTo(story, 'a', 'b'), message: answer });
  assert.deepEqual(waiting(), [2]);
});
