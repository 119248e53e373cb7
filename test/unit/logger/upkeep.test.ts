// What a leader with a damaged log does about its leadership.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Role } from '../../../src/logger/replicated-log.ts';
import { handOverDamaged } from '../../../src/logger/upkeep.ts';

const LEADER: Role = { kind: 'leader', epoch: 1 };
const FOLLOWER: Role = { kind: 'follower', epoch: 2, leader: null };

/** `tick` lets the time pass until the next look. */
function watched(t: TestContext, transfer: () => Promise<{ epoch: number; to: string }>) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const ending = new AbortController();
  const log: { damage: string | null } = { damage: null };
  const refused: string[] = [];
  const replicated = { role: LEADER as Role, transfer };
  const onRefused = (error: unknown): void => void refused.push((error as Error).message);
  handOverDamaged(log, replicated, onRefused, ending.signal);
  t.after(() => ending.abort());
  const tick = async (): Promise<void> => {
    t.mock.timers.tick(1000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { log, refused, replicated, tick };
}

test('a leader hands over once it has found damage, and stays when it is elected again', async (t) => {
  let transfers = 0;
  const { log, replicated, tick } = watched(t, async () => {
    transfers += 1;
    return { epoch: 1, to: 'b' };
  });
  await tick();
  assert.equal(transfers, 0);
  log.damage = 'segment 0';
  await tick();
  assert.equal(transfers, 1);
  replicated.role = FOLLOWER;
  await tick();
  replicated.role = LEADER;
  await tick();
  assert.equal(transfers, 1);
});

test('a transfer that is refused is tried again, and told once', async (t) => {
  let transfers = 0;
  const { log, refused, tick } = watched(t, async () => {
    transfers += 1;
    throw new Error('nobody is there');
  });
  log.damage = 'segment 0';
  for (let looks = 0; looks < 3; looks += 1) await tick();
  assert.equal(transfers, 3);
  assert.deepEqual(refused, ['nobody is there']);
});
