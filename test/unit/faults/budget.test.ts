import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstLeading } from '../../faults/budget.ts';

const line = (event: string, time: number, fields: object = {}): string =>
  JSON.stringify({ level: 30, time, id: 'a', event, ...fields });
const steps = { voteMs: 5, registerMs: 20, promiseMs: 10 };

test('who led first after the fault, and the steps of that election', () => {
  const logs = [
    [line('leading', 900, { epoch: 1 }), 'no line of ours', line('leading', 1300, { epoch: 3 })].join('\n'),
    [line('elected', 1099, { epoch: 2, ...steps }), line('leading', 1100, { epoch: 2 })].join('\n'),
  ];
  assert.deepEqual(firstLeading(logs, 1000), { leadingMs: 100, steps });
});

test('nobody led, or a log does not tell the steps', () => {
  assert.equal(firstLeading(['', line('leading', 900, { epoch: 1 })], 1000), null);
  assert.deepEqual(firstLeading([line('leading', 1100, { epoch: 2 })], 1000), {
    leadingMs: 100,
    steps: null,
  });
});
