import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { IdentityTaken } from '../../../src/election/index.ts';
import { sharedConsul } from '../../support/consul.ts';
import { claimOf, consul, done, electionOf, eventually } from './support.ts';

const cluster = sharedConsul();
const url = () => cluster().urls[0] as string;

interface Found {
  Node: { Node: string };
  Service: { Tags: string[]; Address: string; Port: number };
}
const healthy = async (tag: string): Promise<Found[]> =>
  (await consul(url(), 'GET', `/health/service/distributed-logger?passing&tag=${tag}`)) as Found[];

/** An API that answers as a living logger does. */
async function livingApi(t: TestContext, status: { id: string; cluster: string }): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(status));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the catalog', () => {
  it('shows each logger as a healthy service with its role, until it goes', async (t) => {
    const election = electionOf(t, {
      urls: [url()],
      cluster: 'shown',
      id: 'a',
      api: 'http://127.0.0.1:8081',
    });
    election.catalog.set('follower');
    await eventually('it shows a follower', async () => (await healthy('follower')).length === 1);
    election.catalog.set('leader');
    const [found] = await eventually('it shows the leader', async () => {
      const leaders = await healthy('leader');
      return leaders.length === 1 && leaders;
    });
    assert.deepEqual(
      [found?.Node.Node, found?.Service.Tags, found?.Service.Address, found?.Service.Port],
      ['shown-a', ['leader', 'shown'], '127.0.0.1', 8081],
    );
    await election.catalog.remove();
    assert.equal(await consul(url(), 'GET', '/catalog/node/shown-a'), null);
    assert.deepEqual([election.warnings, election.taken], [[], []]);
  });

  it('refuses a second logger of the same id while the first answers, and lets it in when that is gone', async (t) => {
    const api = await livingApi(t, { id: 'a', cluster: 'twice' });
    const first = electionOf(t, { urls: [url()], cluster: 'twice', id: 'a', api });
    const held = await first.sessions.open();
    const second = electionOf(t, { urls: [url()], cluster: 'twice', id: 'a', api: 'http://127.0.0.1:1' });
    await assert.rejects(second.sessions.open(), (error: Error) => {
      assert.ok(error instanceof IdentityTaken);
      assert.ok(error.message.includes(api));
      return true;
    });
    second.catalog.set('follower');
    await eventually('it was told', () => second.taken.length > 0);
    await second.catalog.remove();
    assert.notEqual(await consul(url(), 'GET', '/catalog/node/twice-a'), null); // the first one's stays
    await held.destroy();

    const gone = electionOf(t, { urls: [url()], cluster: 'gone', id: 'a', api: 'http://127.0.0.1:1' });
    await (await gone.sessions.open()).destroy();
    const heir = electionOf(t, { urls: [url()], cluster: 'gone', id: 'a', api });
    await (await heir.sessions.open()).destroy();
  });

  it('lets a logger that was killed come back at once, though its session and lock still stand', async (t) => {
    const options = { urls: [url()], cluster: 'killed', id: 'a', uid: 'its-data-directory' };
    const before = electionOf(t, { ...options, api: await livingApi(t, { id: 'a', cluster: 'killed' }) });
    const session = await before.sessions.open();
    t.after(() => session.destroy());
    const nothing = await before.register.read();
    done(await before.register.take(nothing, claimOf('a', nothing), session.id));

    const again = electionOf(t, { ...options, api: 'http://127.0.0.1:1' });
    again.catalog.set('follower');
    const next = await again.sessions.open();
    const seen = await again.register.read();
    assert.equal(seen.session, session.id);
    done(await again.register.take(seen, claimOf('a', seen), next.id));
    assert.deepEqual(again.taken, []);
    await next.destroy();
    await again.catalog.remove();
  });
});
