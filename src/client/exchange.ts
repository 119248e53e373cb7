// The one retry loop of the client. A call goes to whoever is believed to lead (or to any logger), follows redirects, and is
// made again after failures that allow it until it succeeds or its signal ends it. Every address is tried once without a
// wait; after that the waits double, with full jitter, and an address that named a time is not asked before it. Meanwhile
// the scout looks for the leader, and finding it ends every wait.
import { ERRORS, type ErrorCode, messageOf } from '../errors.ts';
import type { Addresses } from './addresses.ts';
import { type Attempted, attempt, type Call, Superseded } from './attempt.ts';
import { backoffMs } from './backoff.ts';
import { ClientError, type ClientErrorCode, type RetryReason } from './errors.ts';
import type { Http } from './http.ts';
import { linked } from './linked.ts';
import { type Failure, leavesOpen } from './problem.ts';
import { type Scout, SILENT_MS } from './scout.ts';
import type { Retry } from './types.ts';

/** Redirects followed at once; after that they count as failures, since two loggers may name each other for a while. */
const MAX_REDIRECTS = 3;
/** An answer without a wait of its own asks for this much: it came from a logger that is up. */
const DEFAULT_RETRY_AFTER_MS = 50;
/** Waits asked for by a server are stretched by up to this part, so that clients do not all come back at once. */
const RETRY_AFTER_JITTER = 0.2;

export interface Surroundings {
  readonly http: Http;
  readonly addresses: Addresses;
  readonly scout: Scout;
  readonly retryMaxMs: number;
  readonly onRetry: (retry: Retry) => void;
}

export interface CallPolicy {
  readonly signal: AbortSignal;
  /** Only the leader can answer: leave a silent address as soon as another leader is known, if the call may be repeated there. */
  readonly leaderOnly: boolean;
  /** False for a call that must not be carried out twice: its first unknown outcome ends it. */
  readonly repeatable: boolean;
  /** A write that an earlier attempt may have carried out already: it is not `refused`, whatever is answered. */
  readonly open?: boolean;
  /** Codes that are answers here, however retryable they are. */
  readonly final?: readonly string[];
}

export interface Exchanged<T> {
  readonly value: T;
  readonly url: string;
  readonly attempts: number;
}

/** An attempt that failed, and where. */
export type Failed = Failure & { readonly url: string };

type RetryFailure = Extract<Failure, { kind: 'retry' }>;

export class Exchange<T> {
  readonly #around: Surroundings;
  readonly #call: Call<T>;
  readonly #policy: CallPolicy;
  /** A read has no outcome that could be unknown. */
  readonly #writes: boolean;
  #attempts = 0;
  #failures = 0;
  #redirects = 0;
  /** Some attempt may have been carried out. Only success settles it: a refusal speaks of its own attempt alone. */
  #outcomeUnknown: boolean;
  /** Why the last attempt failed, for whoever gives up; empty before. */
  #lastFailure = '';
  /** Ends the search for the leader that the first failure began. */
  #endSearch: (() => void) | null = null;

  constructor(around: Surroundings, call: Call<T>, policy: CallPolicy) {
    this.#around = around;
    this.#call = call;
    this.#policy = policy;
    this.#writes = call.method !== 'GET';
    this.#outcomeUnknown = policy.open === true;
  }

  /** `failed` is a first attempt that was made otherwise. Rejects with ClientError only. */
  async run(failed: Failed | null = null): Promise<Exchanged<T>> {
    try {
      if (failed !== null) {
        this.#attempts += 1;
        if (this.#policy.signal.aborted) this.#outcomeUnknown ||= leavesOpen(failed);
        else await this.#afterFailure(failed.url, failed);
      }
      return await this.#untilAnswered();
    } finally {
      this.#endSearch?.();
    }
  }

  async #untilAnswered(): Promise<Exchanged<T>> {
    for (;;) {
      // Without a wait where there is nothing to wait for: requests go out in the order in which they are made.
      const url = this.#addressNow() ?? (await this.#address());
      this.#attempts += 1;
      const result = await this.#attempt(url);
      if (result.kind === 'done') return { value: result.value, url, attempts: this.#attempts };
      await this.#afterFailure(url, result);
    }
  }

  #addressNow(): string | null {
    const picked = this.#policy.signal.aborted ? null : this.#around.addresses.pick();
    return picked && picked.waitMs <= 0 ? picked.url : null;
  }

  async #address(): Promise<string> {
    const { addresses } = this.#around;
    for (;;) {
      this.#throwIfAborted();
      const picked = addresses.pick();
      if (picked && picked.waitMs <= 0) return picked.url;
      await this.#pause(picked ? picked.waitMs : this.#around.retryMaxMs);
      if (addresses.pick() === null) this.#tell(null, 'leader-unknown', 'no leader is known yet');
    }
  }

  async #attempt(url: string): Promise<Attempted<T>> {
    const { http, addresses, scout } = this.#around;
    const link = linked([this.#policy.signal]);
    const mayLeave = this.#policy.leaderOnly && this.#policy.repeatable;
    const stops = mayLeave
      ? [
          addresses.onLeader((other) => {
            if (other !== url) link.abort(new Superseded(`${other} leads now`));
          }),
          scout.watch(url, SILENT_MS),
        ]
      : [];
    try {
      return await attempt(http, url, this.#call, link.signal);
    } catch {
      // The caller's signal ended it, and this request may be on its way.
      this.#outcomeUnknown ||= this.#writes;
      throw this.#aborted();
    } finally {
      for (const stop of stops) stop();
      link.release();
    }
  }

  async #afterFailure(url: string, failure: Failure): Promise<void> {
    if (leavesOpen(failure)) this.#outcomeUnknown ||= this.#writes;
    if (failure.kind === 'final') throw this.#final(failure.error);
    if (failure.kind === 'redirect') return this.#follow(url, failure.to);
    if (this.#policy.final?.includes(failure.reason) || (this.#outcomeUnknown && !this.#policy.repeatable))
      throw this.#final(
        new ClientError(codeOf(failure.reason), failure.detail, {
          outcome: this.#writes ? failure.outcome : 'none',
        }),
      );
    this.#redirects = 0;
    this.#tell(url, failure.reason, failure.detail);
    if (failure.reason !== 'superseded') await this.#backOff(url, failure);
  }

  async #follow(url: string, to: string): Promise<void> {
    this.#redirects += 1;
    if (this.#redirects <= MAX_REDIRECTS && to !== url) return this.#around.addresses.redirected(url, to);
    this.#redirects = 0;
    const reason = 'redirect-loop';
    this.#tell(url, reason, `${url} redirects to ${to}, again`);
    await this.#backOff(url, {
      kind: 'retry',
      reason,
      detail: '',
      outcome: 'refused',
      retryAfterMs: DEFAULT_RETRY_AFTER_MS,
      busy: false,
    });
  }

  async #backOff(url: string, failure: RetryFailure): Promise<void> {
    const { addresses, retryMaxMs } = this.#around;
    const postponedMs = Math.min(retryMaxMs, this.#postponeMs(failure));
    if (failure.busy) addresses.busy(url, postponedMs);
    else {
      addresses.failed(url, postponedMs);
      if (this.#policy.leaderOnly) this.#endSearch ??= this.#around.scout.watch(null, 0);
    }
    this.#failures += 1;
    const rounds = Math.floor((this.#failures - 1) / Math.max(1, addresses.seeds.length));
    await this.#pause(backoffMs(rounds, retryMaxMs));
  }

  #postponeMs({ reason, retryAfterMs }: RetryFailure): number {
    // Where nobody answered, only the backoff counts: the addresses take turns anyway.
    if (reason === 'connect-failed' || reason === 'connection-lost' || reason === 'timeout') return 0;
    return (retryAfterMs ?? DEFAULT_RETRY_AFTER_MS) * (1 + RETRY_AFTER_JITTER * Math.random());
  }

  /** Waits `ms`, less when another leader becomes known or the signal aborts. */
  #pause(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const { signal } = this.#policy;
      const end = (): void => {
        clearTimeout(timer);
        stop();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      const stop = this.#around.addresses.onLeader(end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }

  #tell(url: string | null, reason: RetryReason, detail: string): void {
    this.#lastFailure = detail;
    this.#around.onRetry({ url, reason, detail, attempt: this.#attempts });
  }

  #final(error: ClientError): ClientError {
    return this.#outcomeUnknown && error.outcome === 'refused' ? error.asUnknown() : error;
  }

  #throwIfAborted(): void {
    if (this.#policy.signal.aborted) throw this.#aborted();
  }

  #aborted(): ClientError {
    const { reason } = this.#policy.signal;
    const last = this.#lastFailure === '' ? '' : `; before that: ${this.#lastFailure}`;
    return new ClientError('aborted', `given up: ${messageOf(reason)}${last}`, {
      outcome: this.#outcomeUnknown ? 'unknown' : this.#writes ? 'refused' : 'none',
      cause: reason,
    });
  }
}

const codeOf = (reason: RetryReason): ClientErrorCode =>
  Object.hasOwn(ERRORS, reason) ? (reason as ErrorCode) : 'no-answer';
