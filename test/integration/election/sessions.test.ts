import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sharedConsul } from '../../support/consul.ts';
import { claimOf, consul, done, electionOf, eventually } from './support.ts';

const cluster = sharedConsul();
const url = () => cluster().urls[0] as string;

describe('sessions on one Consul server', { concurrency: true }, () => {
  it('live on the logger’s own node, with no checks, no lock delay and behaviour release', async (t) => {
    const election = electionOf(t, { urls: [url()], cluster: 'shape', id: 'a' });
    const session = await election.sessions.open();
    const [info] = (await consul(url(), 'GET', `/session/info/${session.id}`)) as Record<string, unknown>[];
    const { Node, NodeChecks, ServiceChecks, LockDelay, Behavior } = info ?? {};
    assert.deepEqual(
      { Node, NodeChecks, ServiceChecks, LockDelay, Behavior },
      { Node: 'shape-a', NodeChecks: [], ServiceChecks: null, LockDelay: 0, Behavior: 'release' },
    );
    const before = session.renewedAtMs;
    await eventually('it was renewed', () => session.renewedAtMs > before);
    await session.destroy();
    assert.equal(await session.ended, 'destroyed');
    assert.deepEqual(await consul(url(), 'GET', `/session/info/${session.id}`), []);
  });

  it('end as invalidated when Consul drops them', async (t) => {
    const election = electionOf(t, { urls: [url()], cluster: 'dropped', id: 'a' });
    const session = await election.sessions.open();
    await consul(url(), 'PUT', `/session/destroy/${session.id}`);
    assert.equal(await session.ended, 'invalidated');
    const next = await election.sessions.open();
    await next.destroy();
  });

  it('open again after Consul lost the node', async (t) => {
    const election = electionOf(t, { urls: [url()], cluster: 'unnoded', id: 'a' });
    const first = await election.sessions.open();
    await consul(url(), 'PUT', '/catalog/deregister', { Node: 'unnoded-a' });
    assert.equal(await first.ended, 'invalidated'); // with the node go its sessions
    const second = await election.sessions.open();
    await second.destroy();
  });

  it('free the lock when nobody renews them, and last while somebody does', async (t) => {
    const election = electionOf(t, { urls: [url()], cluster: 'expiry', id: 'a' });
    const renewed = await election.sessions.open();
    const { ID: forgotten } = (await consul(url(), 'PUT', '/session/create', {
      Node: 'expiry-a',
      TTL: '10s',
      LockDelay: '0s',
      Behavior: 'release',
      Checks: [],
    })) as { ID: string };
    const startedMs = performance.now();
    const nothing = await election.register.read();
    const held = done(await election.register.take(nothing, claimOf('a', nothing), forgotten));
    const freed = await eventually('the lock is free', async () => {
      const now = await election.register.read();
      return now.session === null && now;
    });
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= 9_000, `a session of 10 s ended after ${tookMs} ms`);
    assert.deepEqual(freed.value, held.value);
    done(await election.register.take(freed, claimOf('a', freed), renewed.id));
    await renewed.destroy();
  });
});
