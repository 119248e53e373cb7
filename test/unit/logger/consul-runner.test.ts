// What the core wants of Consul and cannot have is told to people: once, until it works again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Register, Session, Sessions } from '../../../src/election/types.ts';
import { ConsulRunner } from '../../../src/logger/driver/consul-runner.ts';
import type { Event } from '../../../src/replica/index.ts';
import { until } from '../../support/until.ts';

test('a refused session is told once, and again after one that was granted', async () => {
  const events: Event['type'][] = [];
  const notes: string[] = [];
  let refused = true;
  const session: Session = {
    id: 's',
    renewedAtMs: 0,
    ended: new Promise(() => {}),
    destroy: () => Promise.resolve(),
  };
  const sessions: Sessions = {
    open: () => (refused ? Promise.reject(new Error('Permission denied')) : Promise.resolve(session)),
  };
  const runner = new ConsulRunner(
    {} as Register,
    sessions,
    ({ type }) => void events.push(type),
    (text) => void notes.push(text),
  );
  const open = async (): Promise<void> => {
    const before = events.length;
    runner.openSession();
    await until('the core is told', () => events.length > before);
  };
  await open();
  await open();
  assert.deepEqual(notes, ['cannot open a session in Consul: Permission denied']);
  refused = false;
  await open();
  refused = true;
  await open();
  assert.deepEqual(events, ['session-failed', 'session-failed', 'session-opened', 'session-failed']);
  assert.equal(notes.length, 2);
});
