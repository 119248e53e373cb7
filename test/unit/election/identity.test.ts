import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CatalogNode } from '../../../src/election/client.ts';
import { addressOf, type Identity, nodeEntry, nodeName, standing } from '../../../src/election/identity.ts';

const own: Identity = {
  cluster: 'c',
  id: 'logger-0',
  uid: 'uid-0',
  process: 'process-now',
  api: 'http://logger-0.example:8080',
};

/** The catalog node as a logger of that identity leaves it. */
const left = (change: Partial<Identity>): CatalogNode => {
  const { Address, Meta } = nodeEntry({ ...own, ...change }, 0);
  return { address: Address, meta: Meta, modifyIndex: 3, services: [] };
};
const kind = (node: CatalogNode | null, claimed = false) => standing(node, own, claimed).kind;

describe('whose node it is', () => {
  const elsewhere = 'http://other.example:8080';

  it('is free when there is none, and ours with our process token', () => {
    assert.equal(kind(null), 'free');
    assert.equal(kind(left({})), 'ours');
    assert.equal(kind(left({}), true), 'ours');
  });

  it('is free for the same logger started again, wherever its API was', () => {
    assert.equal(kind(left({ process: 'before' })), 'free');
    assert.equal(kind(left({ process: 'before', api: elsewhere })), 'free');
  });

  it('is free for a logger that lost its disk but kept its address', () => {
    assert.equal(kind(left({ process: 'before', uid: 'lost' })), 'free');
  });

  it('is contested by another data directory at another address', () => {
    const node = left({ process: 'other', uid: 'uid-other', api: elsewhere });
    assert.deepEqual(standing(node, own, false), {
      kind: 'contested',
      other: { ...own, process: 'other', uid: 'uid-other', api: elsewhere },
    });
  });

  it('is contested by a copy of the data directory that comes while this process runs', () => {
    assert.equal(kind(left({ process: 'copy', api: elsewhere }), true), 'contested');
  });

  it('is foreign when no logger of this cluster and id wrote it', () => {
    const agent = {
      address: '10.0.0.9',
      meta: { 'consul-network-segment': '' },
      modifyIndex: 3,
      services: [],
    };
    assert.equal(kind(agent), 'foreign');
    assert.equal(nodeName({ cluster: 'c', id: 'logger-0' }), nodeName({ cluster: 'c-logger', id: '0' }));
    assert.equal(kind(left({ cluster: 'c-logger', id: '0' })), 'foreign');
  });
});

describe('the node entry', () => {
  it('is an external node that nothing probes', () => {
    const entry = nodeEntry(own, 7);
    assert.deepEqual([entry.Node, entry.Address, entry.ModifyIndex], ['c-logger-0', 'logger-0.example', 7]);
    assert.deepEqual([entry.Meta['external-node'], entry.Meta['external-probe']], ['true', 'false']);
  });

  it('keeps to the names that Consul allows in meta', () => {
    const entries = Object.entries(nodeEntry(own, 0).Meta);
    for (const [name, value] of entries)
      assert.ok(/^[a-zA-Z0-9_-]{1,128}$/.test(name) && value.length <= 512);
  });

  it('reads host and port of any base URL', () => {
    assert.deepEqual(addressOf('http://[::1]:8080'), { host: '::1', port: 8080 });
    assert.deepEqual(addressOf('http://a.example/path'), { host: 'a.example', port: 80 });
    assert.deepEqual(addressOf('https://a.example'), { host: 'a.example', port: 443 });
  });
});
