import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ConsulCatalogEntry } from '../../../src/election/catalog-entry.ts';
import { ConsulError, type IdentityTaken } from '../../../src/election/errors.ts';
import { NodeClaim } from '../../../src/election/node-claim.ts';
import { until } from '../../support/until.ts';
import { MemoryCatalog } from './memory-catalog.ts';

const own = { cluster: 'c', id: 'a', uid: 'uid', process: 'p', api: 'http://10.0.0.7:8081' };
const timings = { resyncMs: 20, retryFirstMs: 1, retryMaxMs: 5 };
const away = new ConsulError('timeout', 'no answer', { maybeDone: true });

function setUp(t: TestContext, resyncMs = timings.resyncMs) {
  const catalog = new MemoryCatalog();
  const warnings: string[] = [];
  const taken: IdentityTaken[] = [];
  const claim = new NodeClaim({ client: catalog, own, timeoutMs: 100, answersAs: async () => true });
  const entry = new ConsulCatalogEntry({
    client: catalog,
    claim,
    own,
    warn: (message) => warnings.push(message),
    onTaken: (error) => taken.push(error),
    timings: { ...timings, resyncMs },
  });
  t.after(() => entry.remove());
  const service = () => catalog.nodes.get('c-a')?.services[0];
  const shows = (role: string) => until(`it shows ${role}`, () => service()?.Tags[0] === role);
  return { catalog, entry, warnings, taken, service, shows };
}

describe('the catalog entry', () => {
  it('shows role, cluster and address of the API', async (t) => {
    const { entry, service, shows } = setUp(t);
    entry.set('follower');
    await shows('follower');
    assert.deepEqual(service(), {
      ID: 'distributed-logger',
      Service: 'distributed-logger',
      Tags: ['follower', 'c'],
      Address: '10.0.0.7',
      Port: 8081,
      Meta: { cluster: 'c', id: 'a', api: own.api },
    });
  });

  it('follows the role at once, whatever the interval', async (t) => {
    const { entry, shows } = setUp(t, 3_600_000);
    for (const role of ['follower', 'leader', 'follower'] as const) {
      entry.set(role);
      await shows(role);
    }
  });

  it('is not lost when the role changes in the middle of a write', async (t) => {
    const { catalog, entry, shows } = setUp(t, 3_600_000);
    catalog.before = (call) => {
      if (call !== 'transact') return;
      catalog.before = () => {};
      entry.set('leader');
    };
    entry.set('follower');
    await shows('leader');
  });

  it('is mended when somebody changes or removes it, and written only then', async (t) => {
    const { catalog, entry, shows } = setUp(t);
    entry.set('leader');
    await shows('leader');
    const writes = () => catalog.calls.filter((call) => call === 'transact').length;
    const looks = () => catalog.calls.filter((call) => call === 'node').length;
    const [wrote, looked] = [writes(), looks()];
    await until('it was compared a few times', () => looks() >= looked + 3);
    assert.equal(writes(), wrote);
    catalog.nodes.get('c-a')?.services.splice(0);
    await shows('leader');
    catalog.nodes.clear();
    await shows('leader');
  });

  it('waits for Consul, tells so once, and comes when it is back', async (t) => {
    const { catalog, entry, warnings, shows } = setUp(t);
    catalog.failure = away;
    entry.set('leader');
    await until('it tried a few times', () => catalog.calls.length >= 4);
    assert.deepEqual(warnings, ["Consul's catalog entry waits: no answer"]);
    catalog.failure = null;
    await shows('leader');
  });

  it('tells of another logger with this name, and waits for its end', async (t) => {
    const { catalog, entry, taken, shows } = setUp(t);
    catalog.nodes.set('c-a', { address: '', meta: {}, modifyIndex: 1, services: [] });
    entry.set('follower');
    await until('it told', () => taken.length >= 1);
    assert.equal(catalog.nodes.get('c-a')?.services.length, 0);
    catalog.nodes.clear();
    await shows('follower');
  });

  it('is removed with its node, for good', async (t) => {
    const { catalog, entry, shows } = setUp(t);
    entry.set('leader');
    await shows('leader');
    await entry.remove();
    assert.equal(catalog.nodes.size, 0);
    entry.set('follower');
    await entry.remove();
    const calls = catalog.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 5 * timings.resyncMs));
    assert.deepEqual([catalog.calls.length, catalog.nodes.size], [calls, 0]);
  });

  it('does not hold a shutdown up when Consul is away', async (t) => {
    const { catalog, entry, warnings, shows } = setUp(t);
    entry.set('leader');
    await shows('leader');
    catalog.failure = away;
    await entry.remove();
    assert.match(warnings.at(-1) ?? '', /this logger's entry stays in Consul's catalog: no answer/);
  });
});
