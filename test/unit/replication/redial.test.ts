import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LOG_KEYS_MAX, REDIAL_FIRST_MS, REDIAL_MAX_MS } from '../../../src/replication/limits.ts';
import { QuietLog } from '../../../src/replication/quiet-log.ts';
import { Redial, redialDelayMs } from '../../../src/replication/redial.ts';
import { until } from '../../support/until.ts';

it('waits between dials double up to a second, and vary by half', () => {
  const least = (): number => 0;
  const most = (): number => 1 - Number.EPSILON;
  assert.equal(redialDelayMs(1, least), REDIAL_FIRST_MS / 2);
  for (let failures = 1; failures < 2000; failures += 1) {
    const [low, high] = [redialDelayMs(failures, least), redialDelayMs(failures, most)];
    assert.ok(low >= REDIAL_FIRST_MS / 2 && high <= REDIAL_MAX_MS && low <= high);
    assert.ok(redialDelayMs(failures + 1, least) >= low);
  }
  assert.equal(redialDelayMs(1999, least), REDIAL_MAX_MS / 2);
});

it('an address is dialled by one attempt at a time, and no more once it is stopped', async () => {
  const attempts: AbortSignal[] = [];
  const redial = new Redial((signal) => void attempts.push(signal), Math.random);
  redial.now();
  redial.now();
  redial.afresh();
  assert.equal(attempts.length, 1);
  redial.failed();
  await until('it dials again by itself', () => attempts.length === 2);
  redial.stands();
  redial.lost(60_000);
  assert.equal(attempts.length, 3, 'a good link is dialled anew at once');
  redial.stop();
  assert.ok(attempts[2]!.aborted);
  redial.failed();
  redial.now();
  assert.equal(attempts.length, 3);
});

it('a link that breaks as soon as it stands is dialled at a falling rate', () => {
  let attempts = 0;
  const redial = new Redial(() => {
    attempts += 1;
  }, Math.random);
  redial.now();
  redial.stands();
  redial.lost(0);
  assert.equal(attempts, 1);
  redial.stop();
});

it('the same trouble is logged once in a while, and the keys are bounded', () => {
  const lines: string[] = [];
  const say = (_: object, text: string): void => void lines.push(text);
  const log = new QuietLog({ info: say, warn: say, error: say });
  for (let i = 0; i < 100; i += 1) log.warn('a', {}, 'cannot reach');
  log.warn('b', {}, 'cannot reach');
  log.warn('a', {}, 'refused');
  assert.deepEqual(lines, ['cannot reach', 'cannot reach', 'refused']);
  for (let i = 0; i < 2 * LOG_KEYS_MAX; i += 1) log.warn(`peer ${i}`, {}, 'cannot reach');
  assert.equal(lines.length, 3 + 2 * LOG_KEYS_MAX);
});
