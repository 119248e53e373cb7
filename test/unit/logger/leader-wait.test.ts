import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaderWait } from '../../../src/logger/leader-wait.ts';
import type { Role } from '../../../src/logger/replicated-log.ts';

function waiting(maxWaiting: number) {
  let tell: (role: Role, reason: string) => void = () => {};
  const onRole = (handler: typeof tell): void => {
    tell = handler;
    handler({ kind: 'follower', epoch: 0, leader: null }, 'started');
  };
  return { wait: new LeaderWait({ onRole }, maxWaiting), tell: (role: Role) => tell(role, 'test') };
}

const follower = (leader: string | null): Role => ({
  kind: 'follower',
  epoch: 1,
  leader: leader === null ? null : { id: leader, api: `http://${leader}` },
});

test('those who come during a takeover wait until the new leader is known', async () => {
  const { wait, tell } = waiting(10);
  const order: string[] = [];
  const waits = [1, 2].map(() => wait.leaderKnown().then(() => order.push('went on')));
  tell(follower(null));
  await new Promise(setImmediate);
  order.push('told');
  tell(follower('logger-1'));
  await Promise.all(waits);
  assert.deepEqual(order, ['told', 'went on', 'went on']);
});

test('nobody waits while a leader is known, itself or another', async () => {
  const { wait, tell } = waiting(10);
  for (const role of [follower('logger-1'), { kind: 'leader', epoch: 2 } as const]) {
    tell(role);
    await wait.leaderKnown();
  }
});

test('more than may wait are not kept, and nobody is kept for ever', async () => {
  const { wait } = waiting(1);
  const order: string[] = [];
  const kept = wait.leaderKnown().then(() => order.push('kept'));
  await wait.leaderKnown().then(() => order.push('beyond the bound'));
  await kept;
  assert.deepEqual(order, ['beyond the bound', 'kept']);
});

test('who asks for a leader of a higher epoch waits for that one, or for as long as it likes', async () => {
  const { wait, tell } = waiting(10);
  const order: string[] = [];
  const over = new AbortController();
  tell(follower('logger-1'));
  await wait.leaderAbove(0, over.signal);
  const waits = [1, 2].map((epoch) =>
    wait.leaderAbove(epoch, over.signal).then(() => order.push(`${epoch}`)),
  );
  tell(follower(null));
  tell(follower('logger-1'));
  await new Promise(setImmediate);
  order.push('a new leader');
  tell({ kind: 'leader', epoch: 2 });
  await waits[0];
  order.push('over');
  over.abort();
  await Promise.all(waits);
  assert.deepEqual(order, ['a new leader', '1', 'over', '2']);
});
