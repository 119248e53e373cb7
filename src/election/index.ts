// The public face of the election: what a logger and those who look for its leader need of Consul.

import { randomUUID } from 'node:crypto';
import { ConsulCatalogEntry } from './catalog-entry.ts';
import type { CallReport, Reachability } from './client.ts';
import { createConsulClient } from './consul-client.ts';
import type { IdentityTaken } from './errors.ts';
import { NodeClaim } from './node-claim.ts';
import { answersAs } from './probe.ts';
import { ConsulRegister } from './register.ts';
import { ConsulSessions } from './sessions.ts';
import type { CatalogEntry, Register, Sessions } from './types.ts';

export type { CallReport, ConsulOperation, Reachability } from './client.ts';
export { ConsulError, IdentityTaken, RegisterMalformed } from './errors.ts';
export type * from './types.ts';

/** Node and service entry are nobody's takeover: they may wait for a slow server. */
const catalogTimeoutMs = 1000;

export interface RegisterOptions {
  /** Base URLs of Consul servers or agents, tried in turn. */
  readonly urls: readonly string[];
  /** ACL token; empty for none. */
  readonly token: string;
  readonly cluster: string;
  /** Deadline, at each server, of a call that a takeover waits for. */
  readonly timeoutMs: number;
  /** Told of every attempt at a server. */
  readonly onCall?: (report: CallReport) => void;
}

export interface ElectionOptions extends RegisterOptions {
  /** Name of this logger, unique in its cluster. */
  readonly id: string;
  /** Of its data directory: tells this logger, started again, from another one of the same id. */
  readonly uid: string;
  /** Base URL of its HTTP API, as others reach it. */
  readonly api: string;
  readonly sessionTtlMs: number;
  readonly log: { warn(message: string): void };
  /** Another living logger has this one's name, at start or later on. The message says which; told again while it is so. */
  readonly onIdentityTaken: (error: IdentityTaken) => void;
}

export interface RegisterAccess {
  readonly register: Register;
  reachable(): Reachability;
  /** Closes idle connections; end watches and sessions first. */
  close(): void;
}

export interface Election extends RegisterAccess {
  readonly sessions: Sessions;
  readonly catalog: CatalogEntry;
}

/** The register alone, for programs that only look up the leader. */
export function createRegister(options: RegisterOptions): RegisterAccess {
  const client = createConsulClient(options);
  return {
    register: new ConsulRegister(client, options.cluster, options.timeoutMs),
    reachable: () => client.reachability,
    close: () => client.close(),
  };
}

/** Everything that a logger needs; nothing is sent until it is used. */
export function createElection(options: ElectionOptions): Election {
  const { cluster, id, uid, api, timeoutMs } = options;
  const client = createConsulClient(options);
  const own = { cluster, id, uid, api, process: randomUUID() };
  const claim = new NodeClaim({ client, own, timeoutMs: catalogTimeoutMs, answersAs });
  const warn = (message: string): void => options.log.warn(message);
  return {
    register: new ConsulRegister(client, cluster, timeoutMs),
    sessions: new ConsulSessions({ client, claim, ttlMs: options.sessionTtlMs, timeoutMs, warn }),
    catalog: new ConsulCatalogEntry({ client, claim, own, warn, onTaken: options.onIdentityTaken }),
    reachable: () => client.reachability,
    close: () => client.close(),
  };
}
