// Consul's catalog and sessions in memory, as far as ConsulClient goes: nodes by compare-and-set, services under them.

import type {
  CatalogNode,
  ConsulClient,
  NodeWrite,
  ServiceEntry,
  ServiceWrite,
  TxnOperation,
  TxnOutcome,
} from '../../../src/election/client.ts';
import { ConsulError } from '../../../src/election/errors.ts';

type Stored = CatalogNode & { services: ServiceEntry[] };

const refusal = (operation: number, what: string): TxnOutcome => ({
  kind: 'rolled-back',
  errors: [{ operation, what }],
  doubt: null,
});

export class MemoryCatalog implements ConsulClient {
  readonly nodes = new Map<string, Stored>();
  readonly sessions = new Map<string, { node: string; ttlMs: number }>();
  readonly reachability = { reachable: true, address: 'memory', error: null };
  /** While set, every call fails with it. */
  failure: ConsulError | null = null;
  /** Runs before each call, to change things between two calls of the code under test. */
  before: (call: string) => void = () => {};
  calls: string[] = [];
  /** Granted by renewals; null answers that there is no such session. */
  grantedTtlMs: number | null = null;
  #index = 0;

  async node(name: string): Promise<CatalogNode | null> {
    this.#enter('node');
    const node = this.nodes.get(name);
    return node ? { ...node, services: [...node.services] } : null;
  }

  async transact(operations: readonly TxnOperation[]): Promise<TxnOutcome> {
    this.#enter('transact');
    const [operation] = operations;
    if (operations.length !== 1 || !operation || 'KV' in operation) throw new Error('not played here');
    return 'Node' in operation ? this.#write(operation) : this.#register(operation);
  }

  async createSession(spec: { node: string; ttlMs: number }): Promise<string> {
    this.#enter('createSession');
    if (!this.nodes.has(spec.node)) {
      throw new ConsulError('server-error', '500 apply failed: Missing node registration', {
        maybeDone: true,
      });
    }
    const id = `session-${++this.#index}`;
    this.sessions.set(id, { node: spec.node, ttlMs: spec.ttlMs });
    return id;
  }

  async renewSession(id: string): Promise<{ ttlMs: number } | null> {
    this.#enter('renewSession');
    const session = this.sessions.get(id);
    return session ? { ttlMs: this.grantedTtlMs ?? session.ttlMs } : null;
  }

  async destroySession(id: string): Promise<void> {
    this.#enter('destroySession');
    this.sessions.delete(id);
  }

  key(): Promise<never> {
    throw new Error('not played here');
  }

  close(): void {}

  #enter(call: string): void {
    this.calls.push(call);
    this.before(call);
    if (this.failure) throw this.failure;
  }

  #write({ Node: { Verb, Node: entry } }: NodeWrite): TxnOutcome {
    const present = this.nodes.get(entry.Node);
    if ((present?.modifyIndex ?? 0) !== entry.ModifyIndex)
      return refusal(0, 'failed to set node, index is stale');
    if (Verb === 'delete-cas') this.nodes.delete(entry.Node);
    else {
      const services = present?.services ?? [];
      this.nodes.set(entry.Node, {
        address: entry.Address,
        meta: entry.Meta,
        modifyIndex: ++this.#index,
        services,
      });
    }
    return { kind: 'committed', modifyIndex: this.#index };
  }

  #register({ Service }: ServiceWrite): TxnOutcome {
    const node = this.nodes.get(Service.Node);
    if (!node) return refusal(0, 'Missing node registration');
    node.services = [...node.services.filter(({ ID }) => ID !== Service.Service.ID), Service.Service];
    return { kind: 'committed', modifyIndex: ++this.#index };
  }
}
