// What the loggers ask of Consul, as small as it can be. Consul decides who may lead and nothing else: the one
// key below is only ever changed by a transaction on the index that was read.
import type { LeaderEntry, RegisterSnapshot, RegisterValue } from '../replica/index.ts';

/** The value of the key `distributed-logger/<cluster>/leader`, and what is read with it: the words of the replication core. */
export type { LeaderEntry, RegisterSnapshot, RegisterValue };

/**
 * How a write ended. `refused`: certainly not carried out, `now` is what stands there, read consistently.
 * `unknown`: a deadline or connection failure after it may have been sent; only a later read that shows the new value,
 * or a later write of one's own at the same index, settles it. `cause.maybeDone` of a ConsulError is false where nothing was done.
 */
export type WriteOutcome =
  | { readonly kind: 'done'; readonly snapshot: RegisterSnapshot }
  | {
      readonly kind: 'refused';
      readonly reason: 'index-moved' | 'session-invalid' | 'lock-held';
      readonly now: RegisterSnapshot;
    }
  | { readonly kind: 'unknown'; readonly cause: Error };

export interface Register {
  /** A consistent read. Rejects with ConsulError, or RegisterMalformed when the key holds something else than a register. */
  read(options?: { timeoutMs?: number }): Promise<RegisterSnapshot>;
  /**
   * One transaction: check-index of `seen`, unlock with the old holder's session (left out when free), lock with `session`,
   * writing `value`. With `seen.index` 0: check-not-exists and lock.
   */
  take(
    seen: RegisterSnapshot,
    value: RegisterValue,
    session: string,
    options?: { timeoutMs?: number },
  ): Promise<WriteOutcome>;
  /** As the holder: check-index, check-session, and the new value under the same lock. */
  update(
    seen: RegisterSnapshot,
    value: RegisterValue,
    session: string,
    options?: { timeoutMs?: number },
  ): Promise<WriteOutcome>;
  /** Gives the lock back, keeping the value. */
  release(seen: RegisterSnapshot, session: string, options?: { timeoutMs?: number }): Promise<WriteOutcome>;
  /**
   * Blocking queries until `signal` aborts: `onChange` at first and after each change (consistent), `onReachable` when Consul
   * comes or goes. Never throws, never stops by itself; retries with jitter, capped at a second or so.
   */
  watch(handlers: WatchHandlers, signal: AbortSignal): void;
}

export interface WatchHandlers {
  onChange(snapshot: RegisterSnapshot): void;
  /** `cause` is a ConsulError, or RegisterMalformed while the key cannot be read as a register. */
  onReachable(reachable: boolean, cause?: Error): void;
}

/** A Consul session on the logger's own external node: TTL, lock delay 0, behaviour release, no checks. */
export interface Session {
  readonly id: string;
  /** Resolves when Consul has said that it is gone (renew 404) or it was destroyed; never rejects. */
  readonly ended: Promise<'invalidated' | 'destroyed'>;
  /** performance.now() of the last successful renewal's start: the session lives at least its TTL from there. */
  readonly renewedAtMs: number;
  /** Rejects when Consul could not be told; `ended` resolves and renewals stop all the same. */
  destroy(): Promise<void>;
}

export interface Sessions {
  /**
   * Registers the external node where needed, then opens a session that is renewed every TTL/3 until it ends. Rejects with
   * ConsulError, or IdentityTaken when another living logger has this one's name.
   */
  open(): Promise<Session>;
}

/** The logger's own entry in Consul's catalog, for people and DNS. Level-triggered and never in the way of leadership. */
export interface CatalogEntry {
  set(role: 'leader' | 'follower'): void;
  /** One try, for the shutdown; never rejects. */
  remove(): Promise<void>;
}
