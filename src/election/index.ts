// The public face of the election: what a logger needs of Consul, built from its configuration.

import { randomUUID } from 'node:crypto';
import { ConsulCatalogEntry } from './catalog-entry.ts';
import type { CallReport, Reachability } from './client.ts';
import { createConsulClient } from './consul-client.ts';
import type { ConsulAccess } from './endpoint.ts';
import type { IdentityTaken } from './errors.ts';
import { NodeClaim } from './node-claim.ts';
import { answersAs } from './probe.ts';
import { ConsulRegister } from './register.ts';
import { ConsulSessions } from './sessions.ts';
import type { CatalogEntry, Register, Sessions } from './types.ts';

export type { CallReport } from './client.ts';
export { ConsulError, IdentityTaken, RegisterMalformed } from './errors.ts';
export { encodeRegister, parseRegister } from './register-value.ts';
export type * from './types.ts';

/** Node and service entry are nobody's takeover: they may wait for a slow server. */
const catalogTimeoutMs = 1000;

export interface ElectionOptions extends ConsulAccess {
  /** Base URLs of Consul servers or agents, tried in turn. */
  readonly urls: readonly string[];
  readonly cluster: string;
  /** Name of this logger, unique in its cluster. */
  readonly id: string;
  /** Of its data directory: tells this logger, started again, from another one of the same id. */
  readonly uid: string;
  /** Base URL of its HTTP API, as others reach it. */
  readonly api: string;
  readonly sessionTtlMs: number;
  /** Deadline, at each server, of a call that a takeover waits for. */
  readonly timeoutMs: number;
  readonly log: { warn(message: string): void };
  /** Told of every attempt at a server. */
  readonly onCall?: (report: CallReport) => void;
  /** Another living logger has this one's name, at start or later on. The message says which; told again while it is so. */
  readonly onIdentityTaken: (error: IdentityTaken) => void;
}

export interface Election {
  readonly register: Register;
  readonly sessions: Sessions;
  readonly catalog: CatalogEntry;
  reachable(): Reachability;
  /** False while the key holds something that is no register. */
  readonly registerReadable: boolean;
  /** Closes idle connections; end watches and sessions and remove the entry first. */
  close(): void;
}

/** Nothing is sent until it is used. */
export function createElection(options: ElectionOptions): Election {
  const { cluster, id, uid, api, timeoutMs } = options;
  const client = createConsulClient(options);
  const own = { cluster, id, uid, api, process: randomUUID() };
  const claim = new NodeClaim({ client, own, timeoutMs: catalogTimeoutMs, answersAs });
  const register = new ConsulRegister(client, cluster, timeoutMs);
  const warn = (message: string): void => options.log.warn(message);
  return {
    register,
    sessions: new ConsulSessions({ client, claim, ttlMs: options.sessionTtlMs, timeoutMs, warn }),
    catalog: new ConsulCatalogEntry({ client, claim, own, warn, onTaken: options.onIdentityTaken }),
    // Consul answers, and yet nobody can be elected: that is an error for as long as it lasts.
    reachable: () => ({
      ...client.reachability,
      ...(register.problem && { error: register.problem.message }),
    }),
    get registerReadable() {
      return register.problem === null;
    },
    close: () => client.close(),
  };
}
