// What this project needs of Consul's HTTP API, and no more; the library behind it stays out of every other file.
// A call goes to one server after the other until one answers, each within `timeoutMs`, and fails with ConsulError.

import type { ConsulError } from './errors.ts';

/** Names of the calls in metrics. */
export type ConsulOperation =
  | 'register_read'
  | 'register_watch'
  | 'register_take'
  | 'register_update'
  | 'register_release'
  | 'session_create'
  | 'session_renew'
  | 'session_destroy'
  | 'catalog_read'
  | 'catalog_write';

export interface CallOptions {
  readonly operation: ConsulOperation;
  /** Deadline of the attempt at each server. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One attempt at one server. */
export interface CallReport {
  readonly operation: ConsulOperation;
  readonly server: string;
  readonly ok: boolean;
  readonly seconds: number;
}

export interface KvPair {
  readonly value: string;
  readonly modifyIndex: number;
  /** The session that holds the lock. */
  readonly session: string | null;
}

/** An operation of Consul's transaction API, as it is sent. */
export type TxnOperation = { readonly KV: KvOperation } | NodeWrite | ServiceWrite;

export interface KvOperation {
  readonly Verb: 'check-index' | 'check-not-exists' | 'check-session' | 'lock' | 'unlock';
  readonly Key: string;
  /** In base64. */
  readonly Value?: string;
  readonly Index?: number;
  readonly Session?: string;
}

export interface NodeWrite {
  readonly Node: { readonly Verb: 'cas' | 'delete-cas'; readonly Node: NodeEntry };
}

export interface ServiceWrite {
  readonly Service: { readonly Verb: 'set'; readonly Node: string; readonly Service: ServiceEntry };
}

export interface NodeEntry {
  readonly Node: string;
  readonly Address: string;
  readonly Meta: Readonly<Record<string, string>>;
  /** For cas and delete-cas; 0 asks that there be no such node. */
  readonly ModifyIndex: number;
}

export interface ServiceEntry {
  readonly ID: string;
  readonly Service: string;
  readonly Tags: readonly string[];
  readonly Address: string;
  readonly Port: number;
  readonly Meta: Readonly<Record<string, string>>;
}

export type TxnOutcome =
  /** `modifyIndex` is that of the last operation's entry; 0 when it left none. */
  | { readonly kind: 'committed'; readonly modifyIndex: number }
  | {
      readonly kind: 'rolled-back';
      readonly errors: readonly { readonly operation: number; readonly what: string }[];
      /** An earlier attempt at another server may have been carried out: then this answer does not speak for it. */
      readonly doubt: ConsulError | null;
    };

export interface SessionSpec {
  readonly node: string;
  readonly name: string;
  readonly ttlMs: number;
}

export interface CatalogNode {
  readonly address: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly modifyIndex: number;
  readonly services: readonly ServiceEntry[];
}

/** How things stood at the last call. */
export interface Reachability {
  readonly reachable: boolean;
  /** Server that answered last; null until one has. */
  readonly address: string | null;
  readonly error: string | null;
}

export interface ConsulClient {
  /** A consistent read; with `wait` a blocking query, which returns when the index moves beyond `wait.index` or after `wait.ms`. */
  key(
    name: string,
    options: CallOptions & { readonly wait?: { readonly index: number; readonly ms: number } },
  ): Promise<{ readonly pair: KvPair | null; readonly index: number }>;
  transact(operations: readonly TxnOperation[], options: CallOptions): Promise<TxnOutcome>;
  /** A session without checks, with lock delay 0 and behaviour release; resolves with its id. */
  createSession(spec: SessionSpec, options: CallOptions): Promise<string>;
  /** The TTL that Consul grants from now on, or null when it knows no such session. */
  renewSession(id: string, options: CallOptions): Promise<{ readonly ttlMs: number } | null>;
  destroySession(id: string, options: CallOptions): Promise<void>;
  /** A consistent read of a catalog node and its services. */
  node(name: string, options: CallOptions): Promise<CatalogNode | null>;
  readonly reachability: Reachability;
  /** Closes idle connections. */
  close(): void;
}
