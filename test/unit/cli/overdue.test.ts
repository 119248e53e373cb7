import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Overdue } from '../../../src/cli/overdue.ts';
import { until } from '../../support/until.ts';

test('one is overdue when it has waited for all its time, whatever came after it', () => {
  let nowMs = 0;
  const overdue = new Overdue(1000, assert.fail, () => nowMs);
  overdue.end();
  const at = (ms: number): boolean => {
    nowMs = ms;
    return overdue.check();
  };
  assert.equal(at(5000), false, 'nothing was sent');
  overdue.sent();
  overdue.sent();
  assert.equal(at(5050), false);
  overdue.settled();
  overdue.sent();
  assert.equal(at(6000), false, 'the first is settled, the second has time until the mark after it');
  assert.equal(at(6050), true, 'the second is overdue');
  overdue.settled();
  assert.equal(at(6990), false);
  assert.equal(at(7001), true, 'and so is the third');
  overdue.settled();
  assert.equal(at(9000), false);
});

test('it is told once, by a timer that the end stops', async () => {
  let told = 0;
  const overdue = new Overdue(50, () => {
    told += 1;
  });
  overdue.sent();
  await until('it is told', () => told === 1);
  const quiet = new Overdue(20, assert.fail);
  quiet.sent();
  quiet.settled();
  await new Promise((resolve) => setTimeout(resolve, 100));
  quiet.end();
  assert.equal(told, 1);
});
