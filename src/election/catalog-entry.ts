// The logger's service entry in Consul's catalog, for people, DNS and whoever looks loggers up there; nothing in the election
// hangs on it. Level-triggered: wanted and observed are compared, now and every few seconds, and mended until they agree.

import { messageOf } from '../errors.ts';
import type { CatalogNode, ConsulClient, ServiceEntry } from './client.ts';
import { IdentityTaken } from './errors.ts';
import { addressOf, type Identity } from './identity.ts';
import type { NodeClaim } from './node-claim.ts';
import { Backoff, pause, type Random } from './timing.ts';
import type { CatalogEntry } from './types.ts';

const serviceName = 'distributed-logger';
const writeTimeoutMs = 1000;

export interface CatalogTimings {
  /** How often the entry is compared with what is wanted. */
  readonly resyncMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
}

const defaultTimings: CatalogTimings = { resyncMs: 10_000, retryFirstMs: 250, retryMaxMs: 5000 };

export interface CatalogParts {
  readonly client: ConsulClient;
  readonly claim: NodeClaim;
  readonly own: Identity;
  readonly warn: (message: string) => void;
  readonly onTaken: (error: IdentityTaken) => void;
  readonly timings?: CatalogTimings | undefined;
  readonly random?: Random | undefined;
}

export class ConsulCatalogEntry implements CatalogEntry {
  readonly #parts: CatalogParts;
  readonly #timings: CatalogTimings;
  readonly #removed = new AbortController();
  #wanted: 'leader' | 'follower' = 'follower';
  #changed = new AbortController();
  #loop: Promise<void> | null = null;
  #failing = false;

  constructor(parts: CatalogParts) {
    this.#parts = parts;
    this.#timings = parts.timings ?? defaultTimings;
  }

  set(role: 'leader' | 'follower'): void {
    if (this.#removed.signal.aborted) return;
    this.#wanted = role;
    this.#changed.abort();
    this.#loop ??= this.#keep();
  }

  /** Ends the keeping and takes node and entry away, in one try; the entry of a logger that fails here stays behind. */
  async remove(): Promise<void> {
    if (this.#removed.signal.aborted) return;
    this.#removed.abort();
    this.#changed.abort();
    await this.#loop;
    try {
      await this.#parts.claim.remove();
    } catch (error) {
      this.#parts.warn(`this logger's entry stays in Consul's catalog: ${messageOf(error)}`);
    }
  }

  async #keep(): Promise<void> {
    const { resyncMs, retryFirstMs, retryMaxMs } = this.#timings;
    const backoff = new Backoff(retryFirstMs, retryMaxMs, this.#parts.random);
    while (!this.#removed.signal.aborted) {
      this.#changed = new AbortController();
      const agreed = await this.#mend(this.#wanted);
      if (agreed) backoff.reset();
      await pause(agreed ? resyncMs : backoff.next(), this.#changed.signal);
    }
  }

  async #mend(role: 'leader' | 'follower'): Promise<boolean> {
    try {
      const node = await this.#parts.claim.verify();
      const wanted = this.#entry(role);
      if (!holds(node, wanted)) await this.#write(wanted);
      this.#failing = false;
      return true;
    } catch (error) {
      if (error instanceof IdentityTaken) this.#parts.onTaken(error);
      else if (!this.#failing) this.#parts.warn(`Consul's catalog entry waits: ${messageOf(error)}`);
      this.#failing = true;
      return false;
    }
  }

  async #write(entry: ServiceEntry): Promise<void> {
    const outcome = await this.#parts.client.transact(
      [{ Service: { Verb: 'set', Node: this.#parts.claim.node, Service: entry } }],
      { operation: 'catalog_write', timeoutMs: writeTimeoutMs },
    );
    if (outcome.kind === 'rolled-back') throw new Error(outcome.errors.map(({ what }) => what).join('; '));
  }

  #entry(role: 'leader' | 'follower'): ServiceEntry {
    const { cluster, id, api } = this.#parts.own;
    const { host, port } = addressOf(api);
    return {
      ID: serviceName,
      Service: serviceName,
      Tags: [role, cluster],
      Address: host,
      Port: port,
      Meta: { cluster, id, api },
    };
  }
}

/** Whether the node, as it was read, holds the entry already. */
function holds(node: CatalogNode | null, wanted: ServiceEntry): boolean {
  const found = node?.services.find(({ ID }) => ID === wanted.ID);
  if (!found) return false;
  const picked = ({ Tags, Address, Port, Meta }: ServiceEntry) =>
    JSON.stringify([[...(Tags ?? [])], Address, Port, Object.entries(Meta ?? {}).sort()]);
  return picked(found) === picked(wanted);
}
