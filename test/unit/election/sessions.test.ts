import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConsulError, IdentityTaken } from '../../../src/election/errors.ts';
import { NodeClaim } from '../../../src/election/node-claim.ts';
import { ConsulSessions } from '../../../src/election/sessions.ts';
import { until } from '../../support/until.ts';
import { MemoryCatalog } from './memory-catalog.ts';

const own = { cluster: 'c', id: 'a', uid: 'uid', process: 'p', api: 'http://127.0.0.1:8081' };
const away = new ConsulError('timeout', 'no answer', { maybeDone: true });

function setUp(ttlMs: number, { living = false } = {}) {
  const catalog = new MemoryCatalog();
  const warnings: string[] = [];
  const claim = new NodeClaim({ client: catalog, own, timeoutMs: 100, answersAs: async () => living });
  const sessions = new ConsulSessions({
    client: catalog,
    claim,
    ttlMs,
    timeoutMs: 100,
    warn: (message) => warnings.push(message),
  });
  const renewals = () => catalog.calls.filter((call) => call === 'renewSession').length;
  return { catalog, sessions, warnings, renewals };
}

describe('opening a session', () => {
  it('claims the node first, once, and opens one session after another on it', async (t) => {
    const { catalog, sessions } = setUp(60_000);
    const first = await sessions.open();
    const second = await sessions.open();
    t.after(() => Promise.all([first.destroy(), second.destroy()]));
    assert.notEqual(first.id, second.id);
    assert.deepEqual(catalog.calls, ['node', 'transact', 'createSession', 'createSession']);
    assert.deepEqual(
      [...catalog.sessions.values()].map(({ node }) => node),
      ['c-a', 'c-a'],
    );
  });

  it('registers the node again when Consul lost it', async (t) => {
    const { catalog, sessions } = setUp(60_000);
    const first = await sessions.open();
    catalog.nodes.clear();
    const second = await sessions.open();
    t.after(() => Promise.all([first.destroy(), second.destroy()]));
    assert.ok(catalog.nodes.has('c-a'));
  });

  it('rejects while Consul is away and while another logger has the name', async () => {
    const { catalog, sessions } = setUp(60_000);
    catalog.failure = away;
    await assert.rejects(sessions.open(), away);
    const refused = setUp(60_000, { living: true });
    refused.catalog.nodes.set('c-a', { address: '', meta: {}, modifyIndex: 1, services: [] });
    await assert.rejects(refused.sessions.open(), IdentityTaken);
    assert.equal(refused.catalog.sessions.size, 0);
  });
});

describe('a session', () => {
  it('is renewed while it lives, and knows since when', async () => {
    const { sessions, renewals } = setUp(30);
    const before = performance.now();
    const session = await sessions.open();
    const opened = session.renewedAtMs;
    assert.ok(opened >= before && opened <= performance.now());
    await until('it was renewed three times', () => renewals() >= 3);
    assert.ok(session.renewedAtMs > opened && session.renewedAtMs <= performance.now());
    await session.destroy();
  });

  it('goes by the longer TTL that Consul grants', async () => {
    const { catalog, sessions, renewals } = setUp(30);
    catalog.grantedTtlMs = 3_600_000;
    const session = await sessions.open();
    await until('it was renewed', () => renewals() === 1);
    await new Promise((resolve) => setTimeout(resolve, 100)); // many times a third of the TTL asked for
    assert.equal(renewals(), 1);
    await session.destroy();
  });

  it('is not renewed without a pause, whatever TTL an answer grants', async () => {
    // A timer of more than 25 days fires at once; a TTL of a millisecond would ask for a call in each.
    for (const grantedTtlMs of [1, 1000 * 366 * 24 * 3600 * 1000]) {
      const { catalog, sessions, renewals } = setUp(300);
      catalog.grantedTtlMs = grantedTtlMs;
      const session = await sessions.open();
      await until('it was renewed', () => renewals() >= 1);
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.ok(renewals() <= 2, `${renewals()} renewals`);
      await session.destroy();
    }
  });

  it('ends as invalidated when Consul knows it no more, and is not renewed or destroyed then', async () => {
    const { catalog, sessions } = setUp(30);
    const session = await sessions.open();
    catalog.sessions.clear();
    assert.equal(await session.ended, 'invalidated');
    const calls = catalog.calls.length;
    await session.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(catalog.calls.length, calls);
  });

  it('is not given up while Consul is away: it warns once, tries again and goes on', async () => {
    const { catalog, sessions, warnings, renewals } = setUp(30);
    const session = await sessions.open();
    catalog.failure = away;
    await until('two renewals failed', () => renewals() >= 2);
    assert.deepEqual(warnings, ['the Consul session could not be renewed, trying again: no answer']);
    const failedAtMs = performance.now();
    catalog.failure = null;
    await until('it was renewed again', () => session.renewedAtMs > failedAtMs);
    assert.equal(warnings.length, 1);
    await session.destroy();
    assert.equal(await session.ended, 'destroyed');
  });

  it('is destroyed once, and ends even when Consul cannot be told', async () => {
    const { catalog, sessions } = setUp(60_000);
    const session = await sessions.open();
    await Promise.all([session.destroy(), session.destroy()]);
    assert.deepEqual([catalog.sessions.size, await session.ended], [0, 'destroyed']);
    assert.equal(catalog.calls.filter((call) => call === 'destroySession').length, 1);
    const lost = await sessions.open();
    catalog.failure = away;
    await assert.rejects(lost.destroy(), away);
    assert.equal(await lost.ended, 'destroyed');
  });
});
