// Opens sessions on the logger's own external node. A session on a Consul server's node, which is the default, ends with
// that server; on an external node without checks it lives as long as it is renewed (docs/internals/consul.md).

import { messageOf } from '../errors.ts';
import type { ConsulClient } from './client.ts';
import { ConsulError } from './errors.ts';
import type { NodeClaim } from './node-claim.ts';
import { RenewedSession } from './session.ts';
import type { Random } from './timing.ts';
import type { Session, Sessions } from './types.ts';

export interface SessionsParts {
  readonly client: ConsulClient;
  readonly claim: NodeClaim;
  readonly ttlMs: number;
  /** Deadline at each server: a takeover waits for a session. */
  readonly timeoutMs: number;
  readonly warn: (message: string) => void;
  readonly random?: Random | undefined;
}

export class ConsulSessions implements Sessions {
  readonly #parts: SessionsParts;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /**
   * Rejects with ConsulError, or IdentityTaken when another living logger has this one's name. A request whose answer was lost
   * may leave a session behind, which holds nothing and ends by its TTL.
   */
  async open(): Promise<Session> {
    await this.#parts.claim.ensure();
    try {
      return await this.#create();
    } catch (error) {
      if (!isNodeMissing(error)) throw error;
      this.#parts.claim.forget(); // somebody removed the node, or Consul lost its data
      await this.#parts.claim.ensure();
      return this.#create();
    }
  }

  async #create(): Promise<Session> {
    const { client, claim, ttlMs, timeoutMs, warn, random } = this.#parts;
    const startedMs = performance.now();
    const spec = { node: claim.node, name: claim.node, ttlMs };
    const id = await client.createSession(spec, { operation: 'session_create', timeoutMs });
    const onRenewalFailed = (error: unknown): void =>
      warn(`the Consul session could not be renewed, trying again: ${messageOf(error)}`);
    return new RenewedSession({ client, onRenewalFailed, random }, id, ttlMs, startedMs);
  }
}

const isNodeMissing = (error: unknown): boolean =>
  error instanceof ConsulError && /Missing node registration/.test(error.message);
