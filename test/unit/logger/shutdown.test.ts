import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { type ShutdownParts, shutdown } from '../../../src/logger/shutdown.ts';

const config = {
  id: 'a',
  statefulSet: '',
  shutdownTimeoutMs: 20_000,
  lingerMs: 2000,
  handoverDelayMs: 750,
};

/** A logger that hands over at once when it is told to; what it did, in order. */
function logger(kind: 'leader' | 'follower'): { parts: ShutdownParts; did: string[] } {
  const did: string[] = [];
  const replicated = {
    role: { kind, epoch: 1, leader: kind === 'leader' ? null : { id: 'b' } },
    async transfer() {
      did.push('handed over');
      replicated.role = { kind: 'follower', epoch: 2, leader: { id: 'b' } };
      return { to: 'b', epoch: 1 };
    },
    members: [],
  };
  const parts: unknown = {
    config,
    service: { beginShutdown: () => did.push('not ready') },
    replicated,
    replicas: { refresh: async () => undefined, replicas: null },
    out: pino({ enabled: false }),
    sleep: async (ms: number) => void did.push(`${ms} ms`),
  };
  return { parts: parts as ShutdownParts, did };
}

test('a leader leads on, and is ready, for a while; then it hands over, and shows the way for a while', async () => {
  const { parts, did } = logger('leader');
  await shutdown(parts);
  assert.deepEqual(did, ['750 ms', 'not ready', 'handed over', '2000 ms']);
});

test('a follower waits for nothing', async () => {
  const { parts, did } = logger('follower');
  await shutdown(parts);
  assert.deepEqual(did, ['not ready']);
});
