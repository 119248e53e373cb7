// One Consul session, renewed until it ends. It is a backstop: the loggers notice a dead leader by themselves and take the
// lock from its session, so all that hangs on the TTL is how long Consul shows a leader that nobody replaced.

import type { ConsulClient } from './client.ts';
import { Backoff, pause, type Random } from './timing.ts';
import type { Session } from './types.ts';

/** A renewal follows the last one after a third of the TTL at the latest: two may fail. */
const renewalsPerTtl = 3;
const renewTimeoutMs = 1000;
const retryFirstMs = 200;
const retryMaxMs = 1000;
const destroyTimeoutMs = 1000;
/** A timer cannot wait for more than 25 days, and would not wait at all. */
const ttlMaxMs = 24 * 3600 * 1000;

export interface SessionParts {
  readonly client: ConsulClient;
  /** The first of several failures in a row. */
  readonly onRenewalFailed: (error: unknown) => void;
  readonly random?: Random | undefined;
}

export class RenewedSession implements Session {
  readonly id: string;
  readonly ended: Promise<'invalidated' | 'destroyed'>;
  readonly #parts: SessionParts;
  readonly #stopped = new AbortController();
  readonly #end: (how: 'invalidated' | 'destroyed') => void;
  #renewedAtMs: number;
  readonly #askedTtlMs: number;
  #ttlMs: number;

  /** `createdAtMs` is when the request that created it was sent: Consul's own clock for it started later. */
  constructor(parts: SessionParts, id: string, ttlMs: number, createdAtMs: number) {
    this.#parts = parts;
    this.id = id;
    this.#askedTtlMs = ttlMs;
    this.#ttlMs = ttlMs;
    this.#renewedAtMs = createdAtMs;
    const { promise, resolve } = Promise.withResolvers<'invalidated' | 'destroyed'>();
    this.ended = promise;
    this.#end = resolve;
    void this.#renewUntilEnded();
  }

  get renewedAtMs(): number {
    return this.#renewedAtMs;
  }

  /** Rejects when Consul could not be told; renewals have stopped then all the same, and the TTL does the rest. */
  async destroy(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    try {
      await this.#parts.client.destroySession(this.id, {
        operation: 'session_destroy',
        timeoutMs: destroyTimeoutMs,
      });
    } finally {
      this.#end('destroyed');
    }
  }

  async #renewUntilEnded(): Promise<void> {
    const { signal } = this.#stopped;
    const random = this.#parts.random ?? Math.random;
    const backoff = new Backoff(retryFirstMs, retryMaxMs, random);
    let waitMs = this.#untilNextMs(random);
    let failing = false;
    while (!signal.aborted) {
      await pause(waitMs, signal);
      if (signal.aborted) return;
      try {
        if (!(await this.#renew())) return;
        backoff.reset();
        failing = false;
        waitMs = this.#untilNextMs(random);
      } catch (error) {
        if (signal.aborted) return;
        if (!failing) this.#parts.onRenewalFailed(error);
        failing = true;
        waitMs = backoff.next();
      }
    }
  }

  /** False once the session has ended. */
  async #renew(): Promise<boolean> {
    const startedMs = performance.now();
    const { signal } = this.#stopped;
    const granted = await this.#parts.client.renewSession(this.id, {
      operation: 'session_renew',
      timeoutMs: renewTimeoutMs,
      signal,
    });
    if (signal.aborted) return false;
    if (granted === null) {
      this.#stopped.abort();
      this.#end('invalidated');
      return false;
    }
    this.#renewedAtMs = startedMs;
    // Consul may grant more than was asked for, to spare itself; never less, which would be a call without a pause.
    this.#ttlMs = Math.max(this.#askedTtlMs, Math.min(granted.ttlMs, ttlMaxMs));
    return true;
  }

  #untilNextMs(random: Random): number {
    return (this.#ttlMs / renewalsPerTtl) * (0.9 + random() / 10);
  }
}
