import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConsulError, IdentityTaken } from '../../../src/election/errors.ts';
import { type Identity, nodeEntry } from '../../../src/election/identity.ts';
import { NodeClaim } from '../../../src/election/node-claim.ts';
import { MemoryCatalog } from './memory-catalog.ts';

const identity = (change: Partial<Identity> = {}): Identity => ({
  cluster: 'c',
  id: 'a',
  uid: 'uid-a',
  process: 'p1',
  api: 'http://127.0.0.1:8081',
  ...change,
});
const elsewhere = 'http://127.0.0.1:9999';
const stranger = identity({ uid: 'uid-x', process: 'px', api: elsewhere });

function claimBy(catalog: MemoryCatalog, own: Identity, living: readonly Identity[] = []) {
  const asked: string[] = [];
  const answersAs = async (other: Identity) => {
    asked.push(other.process);
    return living.some(({ process }) => process === other.process);
  };
  return Object.assign(new NodeClaim({ client: catalog, own, timeoutMs: 100, answersAs }), { asked });
}
const holder = (catalog: MemoryCatalog) => catalog.nodes.get('c-a')?.meta['distributed-logger-process'];

describe('claiming the node', () => {
  it('creates it, and then asks Consul no more until told to', async () => {
    const catalog = new MemoryCatalog();
    const claim = claimBy(catalog, identity());
    await claim.ensure();
    assert.equal(holder(catalog), 'p1');
    const calls = catalog.calls.length;
    await claim.ensure();
    assert.equal(catalog.calls.length, calls);
    claim.forget();
    catalog.nodes.clear();
    await claim.ensure();
    assert.equal(holder(catalog), 'p1');
  });

  it('lets a logger that was killed start again at once, without asking anybody', async () => {
    const catalog = new MemoryCatalog();
    await claimBy(catalog, identity()).ensure();
    const again = claimBy(catalog, identity({ process: 'p2', api: elsewhere }), [identity()]);
    await again.ensure();
    assert.deepEqual([holder(catalog), again.asked], ['p2', []]);
  });

  it('refuses a second logger of the same id while the first lives, and says where that is', async () => {
    const catalog = new MemoryCatalog();
    await claimBy(catalog, stranger).ensure();
    const second = claimBy(catalog, identity(), [stranger]);
    await assert.rejects(second.ensure(), (error: Error) => {
      assert.ok(error instanceof IdentityTaken);
      for (const part of ['id a', 'cluster c', elsewhere, 'uid-x']) assert.ok(error.message.includes(part));
      return true;
    });
    assert.equal(holder(catalog), 'px');
  });

  it('takes over from another data directory whose logger is gone', async () => {
    const catalog = new MemoryCatalog();
    await claimBy(catalog, stranger).ensure();
    const next = claimBy(catalog, identity());
    await next.ensure();
    assert.deepEqual([holder(catalog), next.asked], ['p1', ['px']]);
  });

  it('never overwrites a node that no logger of this name wrote', async () => {
    const catalog = new MemoryCatalog();
    const agent = { address: '10.0.0.1', meta: {}, modifyIndex: 1, services: [] };
    catalog.nodes.set('c-a', agent);
    await assert.rejects(claimBy(catalog, identity()).ensure(), IdentityTaken);
    assert.equal(catalog.nodes.get('c-a'), agent);
  });

  it('looks again when another process wrote in between, and notices who it was', async () => {
    const catalog = new MemoryCatalog();
    let raced = false;
    catalog.before = (call) => {
      if (call !== 'transact' || raced) return;
      raced = true;
      const { Address, Meta } = nodeEntry(stranger, 0);
      catalog.nodes.set('c-a', { address: Address, meta: Meta, modifyIndex: 77, services: [] });
    };
    await assert.rejects(claimBy(catalog, identity(), [stranger]).ensure(), IdentityTaken);
    assert.equal(holder(catalog), 'px');
  });

  it('gives up after a few rounds when the node keeps being written', async () => {
    const catalog = new MemoryCatalog();
    let index = 100;
    catalog.before = (call) => {
      const { Address, Meta } = nodeEntry(identity({ process: `p${index}` }), 0);
      if (call === 'transact')
        catalog.nodes.set('c-a', { address: Address, meta: Meta, modifyIndex: ++index, services: [] });
    };
    await assert.rejects(claimBy(catalog, identity()).ensure(), ConsulError);
    assert.ok(catalog.calls.length <= 6);
  });

  it('notices later on that another process took the node, and only yields to a living one', async () => {
    const catalog = new MemoryCatalog();
    const first = claimBy(catalog, identity(), [stranger]);
    await first.ensure();
    await claimBy(catalog, stranger).ensure();
    await first.ensure(); // as it was at the last look
    await assert.rejects(first.verify(), IdentityTaken);
    await assert.rejects(first.ensure(), IdentityTaken);
    const restored = claimBy(catalog, identity());
    await restored.verify();
    assert.equal(holder(catalog), 'p1');
  });

  it('notices a copy of its data directory that lives elsewhere', async () => {
    const catalog = new MemoryCatalog();
    const copy = identity({ process: 'copy', api: elsewhere });
    const first = claimBy(catalog, identity(), [copy]);
    await first.ensure();
    await claimBy(catalog, copy).ensure();
    await assert.rejects(first.verify(), IdentityTaken);
  });

  it('asks once for many callers at a time', async () => {
    const catalog = new MemoryCatalog();
    const claim = claimBy(catalog, identity());
    await Promise.all([claim.ensure(), claim.ensure(), claim.verify()]);
    assert.deepEqual(catalog.calls, ['node', 'transact']);
  });

  it('passes on that Consul is away, and works when it is back', async () => {
    const catalog = new MemoryCatalog();
    const claim = claimBy(catalog, identity());
    catalog.failure = new ConsulError('timeout', 'no answer', { maybeDone: true });
    await assert.rejects(claim.ensure(), ConsulError);
    catalog.failure = null;
    await claim.ensure();
    assert.equal(holder(catalog), 'p1');
  });
});

describe('removing the node', () => {
  it('takes away its own', async () => {
    const catalog = new MemoryCatalog();
    const claim = claimBy(catalog, identity());
    await claim.ensure();
    await claim.remove();
    assert.equal(catalog.nodes.size, 0);
    await claim.remove();
  });

  it('leaves one that was claimed by another since, also between look and removal', async () => {
    const catalog = new MemoryCatalog();
    const claim = claimBy(catalog, identity());
    await claim.ensure();
    const again = identity({ process: 'p2' });
    await claimBy(catalog, again).ensure();
    await claim.remove();
    assert.equal(holder(catalog), 'p2');

    const other = claimBy(catalog, identity({ process: 'p3' }));
    await other.ensure();
    catalog.before = (call) => {
      const node = catalog.nodes.get('c-a');
      if (call === 'transact' && node) catalog.nodes.set('c-a', { ...node, modifyIndex: 999 });
    };
    await other.remove();
    assert.equal(holder(catalog), 'p3');
  });
});
