import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { ConsulError } from '../../../src/election/index.ts';
import { testConsul } from '../../support/consul.ts';
import { claimOf, consul, done, electionOf, eventually } from './support.ts';

const management = '0b5f8c1e-6a57-4d0f-9e1e-2f3a4b5c6d7e';

/** The policy that docs/internals/consul.md tells operators to use. */
async function documentedPolicy(): Promise<string> {
  const page = await readFile(new URL('../../../docs/internals/consul.md', import.meta.url), 'utf8');
  const policy = /```hcl\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(policy, 'docs/internals/consul.md has a policy in HCL');
  return policy;
}

describe('a Consul with access control', () => {
  it('needs just the documented policy, and the lack of it is told apart from other trouble', async (t) => {
    const acl = { enabled: true, default_policy: 'deny', tokens: { initial_management: management } };
    const older = { ...acl, tokens: { master: management } };
    const cluster = await testConsul(t, {
      extraFor: ({ major, minor }) => ({ acl: major > 1 || minor >= 11 ? acl : older }),
    });
    const [url] = cluster.urls as [string];
    const rules = (await documentedPolicy()).replaceAll('CLUSTER', 'guarded');
    await eventually('access control is ready', () =>
      consul(url, 'PUT', '/acl/policy', { Name: 'logger', Rules: rules }, management).catch(() => null),
    );
    const { SecretID: token } = (await consul(
      url,
      'PUT',
      '/acl/token',
      { Policies: [{ Name: 'logger' }] },
      management,
    )) as { SecretID: string };

    const logger = electionOf(t, { urls: [url], cluster: 'guarded', id: 'a', token });
    logger.catalog.set('follower');
    const session = await logger.sessions.open();
    const nothing = await logger.register.read();
    const held = done(await logger.register.take(nothing, claimOf('a', nothing), session.id));
    const updated = done(await logger.register.update(held, { ...claimOf('a', held), epoch: 1 }, session.id));
    const renewedMs = session.renewedAtMs;
    await eventually('the session was renewed', () => session.renewedAtMs > renewedMs);
    done(await logger.register.release(updated, session.id));
    await session.destroy();
    await eventually('the service is registered', async () => {
      const node = (await consul(url, 'GET', '/catalog/node/guarded-a', undefined, management)) as {
        Services: Record<string, unknown>;
      };
      return 'distributed-logger' in node.Services;
    });
    await logger.catalog.remove();
    assert.equal(await consul(url, 'GET', '/catalog/node/guarded-a', undefined, management), null);
    assert.deepEqual(logger.warnings, []);

    const elsewhere = electionOf(t, { urls: [url], cluster: 'other', id: 'a', token });
    const denied = (error: ConsulError) => error.failure === 'denied';
    await assert.rejects(elsewhere.register.read(), denied);
    await assert.rejects(elsewhere.sessions.open());
    const outcome = await elsewhere.register.take(nothing, claimOf('a', nothing), session.id);
    assert.ok(outcome.kind === 'unknown');
    assert.match(outcome.cause.message, /Permission denied/);
  });
});
