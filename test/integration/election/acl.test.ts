// A Consul that is open to nobody: the documented policy is enough for a logger, each of its rules is needed, and the way there
// is by TLS alone.
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import type { ConsulError } from '../../../src/election/index.ts';
import { Authority } from '../../support/authority.ts';
import { documentedRules, type SecureConsul, secureConsul } from '../../support/secure-consul.ts';
import { claimOf, done, electionOf, eventually, type TestElection } from './support.ts';

const failing = (failure: string) => (error: ConsulError) => error.failure === failure;

describe('a Consul with access control and TLS', () => {
  let authority: Authority;
  before(async () => {
    authority = await Authority.make('consul authority');
  });

  const loggerOf = (
    t: TestContext,
    { url }: SecureConsul,
    token: string,
    cluster = 'guarded',
  ): TestElection => electionOf(t, { urls: [url], cluster, id: 'a', token, ca: authority.ca });

  /** All that a logger ever asks of Consul, from its start to its end. */
  async function wholeLife(logger: TestElection, { call }: SecureConsul): Promise<void> {
    const session = await logger.sessions.open();
    logger.catalog.set('follower');
    const nothing = await logger.register.read();
    const held = done(await logger.register.take(nothing, claimOf('a', nothing), session.id));
    const value = { ...claimOf('a', held), epoch: held.value?.epoch ?? 0 };
    const updated = done(await logger.register.update(held, value, session.id));
    const renewedMs = session.renewedAtMs;
    await eventually('the session was renewed', () => session.renewedAtMs > renewedMs);
    done(await logger.register.release(updated, session.id));
    await session.destroy();
    await eventually('the service is registered', async () => {
      assert.deepEqual(logger.warnings, []);
      const node = (await call('GET', '/catalog/node/guarded-a')) as { Services: object } | null;
      return node !== null && 'distributed-logger' in node.Services;
    });
    await logger.catalog.remove();
    assert.equal(await call('GET', '/catalog/node/guarded-a'), null);
    assert.deepEqual(logger.warnings, []);
  }

  it('asks for the documented policy, all of it and nothing more', async (t) => {
    const consul = await secureConsul(t, authority);
    const rules = await documentedRules('guarded');
    assert.equal(rules.length, 4);
    assert.deepEqual(await documentedRules('guarded', 'internals/consul.md'), rules);
    const all = await consul.token(rules.join('\n'));
    await wholeLife(loggerOf(t, consul, all.secret), consul);

    for (const missing of rules) {
      const some = await consul.token(rules.filter((rule) => rule !== missing).join('\n'));
      await assert.rejects(wholeLife(loggerOf(t, consul, some.secret), consul), Error, missing);
      await consul.call('PUT', '/catalog/deregister', { Node: 'guarded-a' });
      await consul.call('DELETE', '/kv/distributed-logger/guarded/leader');
    }

    const elsewhere = loggerOf(t, consul, all.secret, 'other');
    await assert.rejects(elsewhere.register.read(), failing('denied'));
    await assert.rejects(elsewhere.sessions.open(), failing('denied'));
  });

  it('tells the lack of a token, a wrong token and a wrong authority apart', async (t) => {
    const consul = await secureConsul(t, authority);
    for (const token of ['', 'not-a-token']) {
      const logger = loggerOf(t, consul, token);
      await assert.rejects(logger.register.read(), failing('denied'), token);
      await assert.rejects(logger.sessions.open(), failing('denied'), token);
    }
    const { ca } = await Authority.make('another');
    const distrusting = electionOf(t, { urls: [consul.url], cluster: 'guarded', id: 'a', token: 'x', ca });
    await assert.rejects(distrusting.register.read(), (error: ConsulError) => {
      assert.match(error.message, /its certificate is not trusted/);
      return error.failure === 'unreachable' && !error.maybeDone;
    });
  });
});
