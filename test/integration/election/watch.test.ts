import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { RegisterMalformed, type RegisterSnapshot } from '../../../src/election/index.ts';
import { testConsul } from '../../support/consul.ts';
import { claimOf, consul, done, electionOf, eventually, type TestElection } from './support.ts';

function watching(t: TestContext, { register }: TestElection) {
  const changes: RegisterSnapshot[] = [];
  const reached: (true | Error)[] = [];
  const end = new AbortController();
  t.after(() => end.abort());
  register.watch(
    {
      onChange: (snapshot) => changes.push(snapshot),
      onReachable: (reachable, cause) => reached.push(reachable || (cause as Error)),
    },
    end.signal,
  );
  return { changes, reached };
}

describe('the watch', () => {
  it('sees each kind of change, a Consul that restarts, one that lost its data, and a broken value', async (t) => {
    const cluster = await testConsul(t);
    const [server] = cluster.servers;
    assert.ok(server);
    const election = electionOf(t, { urls: cluster.urls, id: 'a' });
    const { register, sessions } = election;
    const { changes, reached } = watching(t, election);
    const seesLast = (expected: RegisterSnapshot) =>
      eventually(`the watch shows ${JSON.stringify(expected)}`, () => {
        const last = changes.at(-1);
        return last?.index === expected.index && last.session === expected.session;
      });

    const nothing = await register.read();
    await seesLast(nothing);
    assert.deepEqual([reached, changes], [[true], [nothing]]);

    const session = await sessions.open();
    const created = done(await register.take(nothing, claimOf('a', nothing), session.id));
    await seesLast(created);
    const updated = done(await register.update(created, { ...claimOf('a', created), epoch: 1 }, session.id));
    await seesLast(updated);
    await session.destroy();
    await seesLast(await register.read());
    assert.deepEqual(changes.at(-1)?.value, updated.value);

    await server.kill();
    await eventually('the watch tells that Consul is gone', () => reached.at(-1) !== true);
    await server.start();
    await cluster.waitForLeader();
    await eventually('the watch tells that Consul is back', () => reached.at(-1) === true);
    const next = await sessions.open();
    const again = await register.read();
    const retaken = done(await register.take(again, claimOf('a', again), next.id));
    await seesLast(retaken);

    await server.kill();
    await rm(server.dataDirectory, { recursive: true });
    await server.start();
    await cluster.waitForLeader();
    await seesLast(nothing);
    assert.equal(await next.ended, 'invalidated');

    const third = await sessions.open();
    const reborn = done(await register.take(nothing, claimOf('a', nothing), third.id));
    assert.ok(reborn.index < retaken.index, 'the index went backwards');
    await seesLast(reborn);

    await consul(server.url, 'PUT', '/kv/distributed-logger/test/leader', 'broken');
    await eventually(
      'the watch tells of the broken value',
      () => reached.at(-1) instanceof RegisterMalformed,
    );
    assert.deepEqual(changes.at(-1), reborn);
    await consul(server.url, 'DELETE', '/kv/distributed-logger/test/leader');
    await seesLast(nothing);
    assert.equal(reached.at(-1), true);
    await third.destroy();
  });
});
