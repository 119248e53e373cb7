import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ConsulError } from '../../../src/election/index.ts';
import { type ConsulCluster, type ConsulServer, sharedConsul } from '../../support/consul.ts';
import { claimOf, done, electionOf, eventually } from './support.ts';

const shared = sharedConsul({ servers: 3 });
let cluster: ConsulCluster;
beforeEach(async () => {
  cluster = shared();
  for (const server of cluster.servers) {
    server.resume();
    if (server.pid === null) await server.start();
  }
  await cluster.waitForLeader();
});

/** The addresses with that server's first. */
const beginningWith = (first: ConsulServer) => [
  first.url,
  ...cluster.urls.filter((url) => url !== first.url),
];
const followers = (leader: ConsulServer) => cluster.servers.filter((server) => server !== leader);

describe('three Consul servers', () => {
  it('keep a session whose server dies, be it the leader', async (t) => {
    const leader = await cluster.waitForLeader();
    const election = electionOf(t, { urls: beginningWith(leader), cluster: 'killed', id: 'a' });
    const session = await election.sessions.open();
    const nothing = await election.register.read();
    const held = done(await election.register.take(nothing, claimOf('a', nothing), session.id));
    await leader.kill();
    const renewedMs = session.renewedAtMs;
    await cluster.waitForLeader();
    assert.deepEqual(await election.register.read(), held);
    await eventually('the session was renewed elsewhere', () => session.renewedAtMs > renewedMs);
    done(await election.register.update(held, { ...claimOf('a', held), epoch: 1 }, session.id));
    assert.notEqual(election.reachable().address, leader.url);
    await session.destroy();
  });

  it('cost one deadline when one is frozen, and none after that', async (t) => {
    const leader = await cluster.waitForLeader();
    const [frozen] = followers(leader);
    assert.ok(frozen);
    const election = electionOf(t, { urls: beginningWith(frozen), cluster: 'paused', id: 'a' });
    const session = await election.sessions.open();
    const nothing = await election.register.read();
    await frozen.pause();
    election.calls.splice(0);
    const held = done(
      await election.register.take(nothing, claimOf('a', nothing), session.id, { timeoutMs: 3000 }),
    );
    assert.deepEqual(await election.register.read(), held);
    // The session is renewed beside all this.
    const calls = election.calls.filter(({ operation }) => operation.startsWith('register_'));
    assert.deepEqual(
      calls.map(({ operation, server, ok }) => [operation, server === frozen.url, ok]),
      [
        ['register_take', true, false],
        ['register_take', false, true],
        ['register_read', false, true],
      ],
    );
    // While it is frozen: the first that it does when it goes on may be to run for leader of the others.
    await session.destroy();
    frozen.resume();
  });

  it('answer nothing without a majority, within the deadline, and go on as before when it is back', async (t) => {
    const leader = await cluster.waitForLeader();
    const election = electionOf(t, { urls: cluster.urls, cluster: 'leaderless', id: 'a' });
    const session = await election.sessions.open();
    const nothing = await election.register.read();
    const held = done(await election.register.take(nothing, claimOf('a', nothing), session.id));
    const [other] = followers(leader);
    assert.ok(other);
    await Promise.all([leader.kill(), other.kill()]);

    const startedMs = performance.now();
    await assert.rejects(election.register.read({ timeoutMs: 300 }), (error: ConsulError) => {
      assert.equal(error.name, 'ConsulError');
      return true;
    });
    const update = { ...claimOf('a', held), epoch: 1 };
    const outcome = await election.register.update(held, update, session.id, { timeoutMs: 300 });
    assert.equal(outcome.kind, 'unknown');
    assert.ok(performance.now() - startedMs < 5000, 'each of six attempts had 300 ms');
    assert.equal(election.reachable().reachable, false);

    await Promise.all([leader.start(), other.start()]);
    await cluster.waitForLeader();
    // The update may have waited in the surviving server, and be carried out even now: writes of our own settle it.
    const back = await election.register.read();
    assert.ok([held.value?.revision, update.revision].includes(back.value?.revision));
    await eventually('a write is done', async () => {
      const now = await election.register.read();
      const value = { ...update, revision: (now.value?.revision ?? 0) + 1 };
      return (await election.register.update(now, value, session.id)).kind === 'done';
    });
    assert.equal(election.reachable().reachable, true);
    await session.destroy();
  });
});
