import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EpochPair, encodeBatch, stampBatch } from '../../../src/log/index.ts';
import { LeadershipHistory } from '../../../src/logger/leadership-history.ts';
import type { Role } from '../../../src/logger/replicated-log.ts';

/** A log of one record per offset from `first` on, whose epoch is that of the last pair at or below. */
function made(pairs: readonly EpochPair[], { first = 0, end = 0 } = {}) {
  let say: (role: Role, reason: string) => void = () => undefined;
  let reads = 0;
  const clock = { nowMs: 5000 };
  const log = {
    pairs,
    first,
    end,
    async read(offset: number): Promise<Buffer[]> {
      reads += 1;
      const batch = encodeBatch([{ value: Buffer.from('x') }], {
        timestampMs: 1000 + offset,
        producer: null,
      });
      stampBatch(batch, offset, pairs.findLast(({ start }) => start <= offset)?.epoch ?? 0);
      return [batch];
    },
  };
  const replicated = {
    onRole(handler: typeof say): void {
      say = handler;
      handler({ kind: 'follower', epoch: 0, leader: null }, 'started');
    },
  };
  const history = new LeadershipHistory('logger-0', log, replicated, () => clock.nowMs);
  return { history, clock, role: (role: Role) => say(role, 'test'), reads: () => reads };
}
const other = { id: 'logger-1', api: 'http://logger-1' };

test('epochs of the checkpoint and what was seen are one list, latest first', async () => {
  const { history, clock, role } = made(
    [
      { epoch: 1, start: 0 },
      { epoch: 2, start: 10 },
    ],
    { end: 20 },
  );
  role({ kind: 'follower', epoch: 2, leader: other });
  clock.nowMs = 9000;
  role({ kind: 'follower', epoch: 2, leader: null });
  role({ kind: 'leader', epoch: 3 });
  assert.deepEqual(await history.epochs(), [
    { epoch: 3, leader: 'logger-0', start: null, time: 9000, seen: true },
    { epoch: 2, leader: 'logger-1', start: 10, time: 5000, seen: true },
    { epoch: 1, leader: null, start: 0, time: 1000, seen: false },
  ]);
});

test('an epoch without a record of its own, or whose first is gone, has no time', async () => {
  const pairs = [
    { epoch: 1, start: 0 },
    { epoch: 2, start: 5 },
    { epoch: 3, start: 5 },
    { epoch: 4, start: 8 },
  ];
  const { history, reads } = made(pairs, { first: 3, end: 8 });
  const times = (await history.epochs()).map(({ epoch, time }) => [epoch, time]);
  assert.deepEqual(times, [
    [4, null],
    [3, 1005],
    [2, null],
    [1, null],
  ]);
  const before = reads();
  await history.epochs();
  assert.equal(reads(), before, 'what is known is not read again');
});

test('it is bounded', async () => {
  const pairs = Array.from({ length: 500 }, (_, at) => ({ epoch: at + 1, start: at }));
  const { history, role } = made(pairs, { end: 500 });
  for (let epoch = 501; epoch < 900; epoch += 1) role({ kind: 'leader', epoch });
  const epochs = await history.epochs();
  assert.equal(epochs.length, 100);
  assert.equal(epochs[0]?.epoch, 899);
});
