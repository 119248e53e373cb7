// Who a logger is in Consul's catalog, and the rule by which a second one of the same name is told from the same one
// started again. Everything here is a function of what was read; node-claim.ts carries it out.
//
// The node's meta holds the data directory's uid, a token of the process and its API address. A node under our name is
//   ours       it bears this process's token;
//   free       there is none, or it is that of our own past: the same uid before this process ever claimed it (one process
//              at a time can have the data directory), or our own API address, which nobody else can answer on now;
//   foreign    no logger of this cluster and id wrote it: a Consul agent's node, or "a" + "b-c" against "a-b" + "c";
//   contested  another process of the same name wrote it, and its API tells whether it lives.

import type { CatalogNode, NodeEntry } from './client.ts';

export interface Identity {
  readonly cluster: string;
  readonly id: string;
  /** Of the data directory. */
  readonly uid: string;
  /** Made new at each start of the process. */
  readonly process: string;
  /** Base URL of the HTTP API. */
  readonly api: string;
}

export type Standing =
  | { readonly kind: 'ours' | 'free' | 'foreign' }
  | { readonly kind: 'contested'; readonly other: Identity };

export const nodeName = ({ cluster, id }: Pick<Identity, 'cluster' | 'id'>): string => `${cluster}-${id}`;

/** `external-*` is how Consul's own tools mark nodes without an agent; nothing probes them. */
const metaOf = (own: Identity): Record<string, string> => ({
  'external-node': 'true',
  'external-probe': 'false',
  'distributed-logger-cluster': own.cluster,
  'distributed-logger-id': own.id,
  'distributed-logger-uid': own.uid,
  'distributed-logger-process': own.process,
  'distributed-logger-api': own.api,
});

export const nodeEntry = (own: Identity, modifyIndex: number): NodeEntry => ({
  Node: nodeName(own),
  Address: addressOf(own.api).host,
  Meta: metaOf(own),
  ModifyIndex: modifyIndex,
});

/** Host (an IPv6 address without its brackets) and port of a base URL. */
export function addressOf(api: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(api);
  const defaultPort = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) };
}

/** `claimed` tells whether this process has had the node before: then not even its own uid may have replaced its token. */
export function standing(node: CatalogNode | null, own: Identity, claimed: boolean): Standing {
  if (node === null) return { kind: 'free' };
  const other = identityIn(node);
  if (other === null || other.cluster !== own.cluster || other.id !== own.id) return { kind: 'foreign' };
  if (other.process === own.process) return { kind: 'ours' };
  if (other.uid === own.uid && !claimed) return { kind: 'free' };
  if (other.api === own.api) return { kind: 'free' };
  return { kind: 'contested', other };
}

function identityIn({ meta }: CatalogNode): Identity | null {
  const field = (name: string): string => meta[`distributed-logger-${name}`] ?? '';
  const identity = {
    cluster: field('cluster'),
    id: field('id'),
    uid: field('uid'),
    process: field('process'),
    api: field('api'),
  };
  return Object.values(identity).includes('') ? null : identity;
}
