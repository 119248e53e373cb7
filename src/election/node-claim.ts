// The logger's external node in Consul's catalog, under which its sessions and its service entry live. It is claimed by
// compare-and-set, so of two processes that start under one name at the same time one notices the other.

import type { CallOptions, CatalogNode, ConsulClient } from './client.ts';
import { ConsulError, IdentityTaken, rolledBackFor } from './errors.ts';
import { type Identity, nodeEntry, nodeName, standing } from './identity.ts';

/** Each further attempt means that another process wrote the node in between. */
const maxAttempts = 3;

export interface NodeClaimParts {
  readonly client: ConsulClient;
  readonly own: Identity;
  readonly timeoutMs: number;
  /** Whether a logger of that identity answers at its address. */
  readonly answersAs: (other: Identity) => Promise<boolean>;
}

export class NodeClaim {
  readonly node: string;
  readonly #parts: NodeClaimParts;
  /** Set once this process has had the node; see `standing`. */
  #claimed = false;
  #valid = false;
  #running: Promise<CatalogNode | null> | null = null;

  constructor(parts: NodeClaimParts) {
    this.#parts = parts;
    this.node = nodeName(parts.own);
  }

  /** Resolves when the node is ours, at once when it was at the last look. Rejects with ConsulError or IdentityTaken. */
  async ensure(): Promise<void> {
    if (!this.#valid) await this.verify();
  }

  /** The next `ensure` looks again. */
  forget(): void {
    this.#valid = false;
  }

  /** Looks now, and claims the node where that is due. Resolves with the node as it was read, null when there was none. */
  verify(): Promise<CatalogNode | null> {
    this.#running ??= this.#verify().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Removes the node and all under it, if it is still ours. A session that is still open on it ends. */
  async remove(): Promise<void> {
    const { client, own } = this.#parts;
    this.#valid = false;
    const node = await client.node(this.node, this.#call('catalog_read'));
    if (node === null || standing(node, own, true).kind !== 'ours') return;
    const entry = nodeEntry(own, node.modifyIndex);
    // Rolled back means that somebody claimed it since: then it is not ours to remove.
    await client.transact([{ Node: { Verb: 'delete-cas', Node: entry } }], this.#call('catalog_write'));
  }

  async #verify(): Promise<CatalogNode | null> {
    const { client, own } = this.#parts;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const node = await client.node(this.node, this.#call('catalog_read'));
      const mine = await this.#judge(node);
      const entry = nodeEntry(own, node?.modifyIndex ?? 0);
      if (mine || (await this.#write(entry))) {
        this.#claimed = true;
        this.#valid = true;
        return node;
      }
    }
    throw new ConsulError('rejected', `the Consul node ${this.node} is being written by others`);
  }

  /** True when the node is ours as it stands, false when it may be claimed. */
  async #judge(node: CatalogNode | null): Promise<boolean> {
    const found = standing(node, this.#parts.own, this.#claimed);
    if (found.kind === 'foreign') {
      throw this.#taken(
        `the Consul node ${this.node} belongs to something else than this logger: give the logger another id or cluster name`,
      );
    }
    if (found.kind === 'contested' && (await this.#parts.answersAs(found.other))) {
      const { id, cluster, uid, api } = found.other;
      throw this.#taken(
        `another logger with the id ${id} lives in cluster ${cluster} at ${api} (data directory ${uid}): give one of them another id`,
      );
    }
    return found.kind === 'ours';
  }

  #taken(message: string): IdentityTaken {
    this.#valid = false;
    return new IdentityTaken(message);
  }

  async #write(entry: ReturnType<typeof nodeEntry>): Promise<boolean> {
    const outcome = await this.#parts.client.transact(
      [{ Node: { Verb: 'cas', Node: entry } }],
      this.#call('catalog_write'),
    );
    if (outcome.kind === 'committed') return true;
    if (outcome.errors.some(({ what }) => what.includes('index is stale'))) return false;
    throw rolledBackFor(outcome.errors);
  }

  #call(operation: CallOptions['operation']): CallOptions {
    return { operation, timeoutMs: this.#parts.timeoutMs };
  }
}
