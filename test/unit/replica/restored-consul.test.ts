// What replicas make of a register that is older than what they know (rules 1 and 6): Consul was restored from a backup.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message, RegisterSnapshot } from '../../../src/replica/index.ts';
import { Story } from './story.ts';

const leaderOf = (story: Story, ...ids: string[]): string | undefined =>
  ids.find((id) => story.state(id).leading?.phase === 'serving');

const membersOf = ({ value }: RegisterSnapshot): string =>
  (value?.members ?? [])
    .map(({ id }) => id)
    .sort()
    .join(' ');

/** Three members, then a fourth one in the same epoch. Returns the leader, the other two, and a backup from before. */
function grown(): { story: Story; leader: string; rest: string[]; backup: RegisterSnapshot } {
  const story = new Story(['a', 'b', 'c', 'd']);
  story.start('a', 'b', 'c');
  story.pass(1500);
  const leader = leaderOf(story, 'a', 'b', 'c')!;
  const rest = ['a', 'b', 'c'].filter((id) => id !== leader);
  const backup = story.register;
  assert.equal(membersOf(backup), 'a b c');
  return { story, leader, rest, backup };
}

test('a lower epoch in the register: the leader writes its own claim again and goes on', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  const backup = story.register;
  story.event('a', { type: 'transfer', to: 'b' });
  story.pass(400);
  const { epoch } = story.register.value!;
  assert.ok(epoch > backup.value!.epoch);
  story.trace.length = 0;
  story.restoreRegister(backup);
  story.pass(400);
  story.append('b', 'x2');
  assert.deepEqual(story.trace, [
    `register: epoch ${backup.value?.epoch} of a, members a1 b1 c1`,
    'Consul was restored',
    `register: epoch ${epoch} of b, members a1 b1 c1`,
    'b appends x2 up to 2',
    'b commits 2',
    'a commits 2',
    'c commits 2',
  ]);
});

test('a backup of the same epoch with fewer members elects nobody: the newest members must agree first', () => {
  const { story, leader, rest, backup } = grown();
  story.start('d');
  story.pass(500);
  assert.equal(membersOf(story.register), 'a b c d');
  story.crash('a', 'b', 'c', 'd');
  story.restoreRegister(backup);
  story.start(...rest);
  story.pass(2000);
  assert.equal(leaderOf(story, ...rest), undefined);
  assert.equal(membersOf(story.register), 'a b c');
  story.start(leader, 'd');
  story.pass(2000);
  assert.ok(leaderOf(story, 'a', 'b', 'c', 'd'));
  assert.equal(membersOf(story.register), 'a b c d');
});

test('a follower that does not reach Consul stores the members that its leader tells', () => {
  const { story, rest } = grown();
  for (const id of rest) story.deaf.add(id);
  story.start('d');
  story.pass(500);
  const { membersVersion } = story.register.value!;
  for (const id of rest) {
    assert.equal(story.disks.get(id)?.state.members.length, 4);
    assert.deepEqual(story.disks.get(id)?.state.membersVersion, membersVersion);
  }
});

test('joint counting ends only when a majority of the old members has stored the new ones', () => {
  const { story, leader, rest } = grown();
  for (const id of rest) {
    story.deaf.add(id);
    story.hold(id, 'state-stored');
  }
  story.start('d');
  story.pass(500);
  assert.equal(membersOf(story.register), 'a b c d');
  assert.equal(story.state(leader).leading?.change?.phase, 'saving');
  story.release(rest[0]!);
  story.pass(50);
  assert.equal(story.state(leader).leading?.change, null);
  assert.equal(story.state(leader).leading?.members.length, 4);
});

test('a voter that knows newer members follows, but does not count, until its leader has written the present ones again', () => {
  const { story, leader, rest, backup } = grown();
  const [unaware] = rest as [string];
  story.crash(...rest);
  // The leader gets the fourth member into the register and dies: nobody else stored it.
  story.start(unaware);
  story.pass(200);
  story.hold(unaware, 'state-stored');
  story.deaf.add(unaware);
  story.start('d');
  story.pass(300);
  assert.equal(membersOf(story.register), 'a b c d');
  const former = story.disks.get(unaware)!.state;
  story.crash('a', 'b', 'c', 'd');
  Object.assign(story.disks.get(unaware)!, {
    state: { ...former, members: backup.value!.members, membersVersion: backup.value!.membersVersion },
  });
  story.deaf.clear();
  story.restoreRegister(backup);
  story.start(...rest);
  story.pass(3000);
  const next = leaderOf(story, ...rest)!;
  assert.ok(next, 'the two that know only the old members are its majority');
  const promises: Message[] = [];
  story.tamper = (message) => {
    if (message.type === 'promised') promises.push(message);
    return message;
  };
  story.start(leader);
  story.pass(500);
  assert.equal(promises.length, 1);
  assert.ok(promises[0]?.type === 'promised' && promises[0].newerMembers);
  const version = story.register.value!.membersVersion;
  assert.equal(version.epoch, story.state(next).leading?.claim.epoch);
  assert.deepEqual(story.state(leader).membersVersion, version);
  assert.equal(membersOf(story.register), 'a b c');
});

test('a candidate takes no register that a voter knows to be older than its members', () => {
  const { story, leader, rest, backup } = grown();
  const [knowing, down] = rest as [string, string];
  story.crash(down);
  story.start('d');
  story.pass(500);
  assert.equal(membersOf(story.register), 'a b c d');
  story.crash(leader, knowing, 'd');
  story.restoreRegister(backup);
  story.trace.length = 0;
  story.start(knowing, down);
  story.pass(2000);
  assert.deepEqual(
    story.trace.filter((line) => line.startsWith('register')),
    [],
  );
});

test('a forced rebuild skips the epochs that the missing members may have used', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  const { epoch } = story.register.value!;
  story.crash('a', 'b');
  story.loseRegister();
  story.pass(2000);
  assert.equal(leaderOf(story, 'c'), undefined);
  story.event('c', { type: 'rebuild-register' });
  story.pass(2000);
  assert.equal(leaderOf(story, 'c'), 'c');
  const rebuilt = story.register.value!;
  assert.ok(rebuilt.epoch > epoch + 1000, `epoch ${rebuilt.epoch} after ${epoch}`);
  assert.deepEqual(rebuilt.membersVersion, { epoch: rebuilt.epoch, revision: rebuilt.revision });
});

test('a rebuild that all members agree on goes on with the next epoch', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  const { epoch, membersVersion } = story.register.value!;
  story.crash('a');
  story.loseRegister();
  story.pass(100);
  story.start('a');
  story.pass(2000);
  assert.equal(story.register.value?.epoch, epoch + 1);
  assert.deepEqual(story.register.value?.membersVersion, membersVersion);
});

test('a refusal by the same epoch ends the leadership: another claim has it too', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  const { claim } = story.state('a').leading!;
  const { link } = story.state('a').byUid.get('b1')!;
  const refused = { type: 'refused', claim, promisedEpoch: claim.epoch } as const;
  story.event('a', { type: 'message', link, message: refused });
  assert.deepEqual(story.trace, [`a is leaderless, epoch ${claim.epoch} (same-epoch)`]);
});

test('a follower that connects while a confirmation is under way is asked in it', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.isolate('b', ['a']);
  story.isolate('c', ['a']);
  story.event('a', { type: 'confirm', request: 1 });
  assert.equal(story.state('a').leading?.confirmations.length, 1);
  story.join('b');
  story.pass(50);
  assert.equal(story.state('a').leading?.confirmations.length, 0);
  assert.ok(story.sent.includes('a confirm b'));
});

test('a leader says that a follower came back without records that it had acknowledged', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1', 'x2', 'x3');
  const notes: string[] = [];
  story.onNote = (text) => notes.push(text);
  story.crash('c');
  story.start('c');
  story.pass(50);
  assert.deepEqual(notes, []);
  story.crash('c');
  const disk = story.disks.get('c')!;
  Object.assign(disk, { records: disk.records.slice(0, 1), syncedEnd: 1, commit: 1 });
  story.start('c');
  story.pass(50);
  assert.equal(notes.length, 1);
  assert.match(notes[0]!, /^c lost records that it had acknowledged: its log ends at 1 and not at 3/);
});

test('an epoch that starts at two offsets: the receiver stops, and its leader goes on', () => {
  const story = Story.begin(['a', 'b', 'c'], 'a', 'x1');
  story.crash('c');
  const disk = story.disks.get('c')!;
  disk.pairs = disk.pairs.map((pair, at) => (at === disk.pairs.length - 1 ? { ...pair, start: 1 } : pair));
  story.trace.length = 0;
  story.start('c');
  story.pass(100);
  assert.ok(story.trace.includes('c stops: pairs-disagree'), story.trace.join('\n'));
  assert.equal(leaderOf(story, 'a'), 'a');
});
