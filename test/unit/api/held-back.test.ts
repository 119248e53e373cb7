// Answers that are held back for a moment.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HeldBack } from '../../../src/api/held-back.ts';
import { until } from '../../support/api.ts';

const HOLD_MS = 100;
const HELD_MAX = 20;
const held = () => new HeldBack({ refusalHoldMs: HOLD_MS, maxHeldRefusals: HELD_MAX });

test('each is held as long as the others, in order', async () => {
  const answers = held();
  const sinceMs = performance.now();
  const answered: { name: string; ms: number }[] = [];
  const add = (name: string): void =>
    answers.add(() => answered.push({ name, ms: performance.now() - sinceMs }));
  add('a');
  add('b');
  await sleep(HOLD_MS / 2);
  add('c');
  const laterMs = performance.now() - sinceMs;
  await until('all are answered', () => answered.length === 3);
  assert.deepEqual(
    answered.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  const [first, , last] = answered;
  assert.ok(first!.ms >= HOLD_MS, `${first!.ms} ms`);
  assert.ok(last!.ms >= laterMs + HOLD_MS, `${last!.ms} ms, added after ${laterMs}`);
  answered.length = 0;
  add('d');
  await until('it goes on afterwards', () => answered.length === 1);
});

test('no more are held than may', async () => {
  const answers = held();
  let answered = 0;
  const answer = (): void => {
    answered += 1;
  };
  const add = (): void => answers.add(answer);
  for (let added = 0; added < HELD_MAX; added += 1) add();
  assert.equal(answered, 0);
  add();
  assert.equal(answered, 1);
  await until('the others follow', () => answered === HELD_MAX + 1);
});
