// Watches the register by blocking queries. The loop of the package `consul` is not used: it waits up to 30 s after
// failures and stops for good on a status 400, and a watch that has stopped is a logger that never learns of its successor.

import { messageOf } from '../errors.ts';
import type { ConsulClient } from './client.ts';
import { RegisterMalformed } from './errors.ts';
import { Backoff, pause, type Random } from './timing.ts';
import type { RegisterSnapshot, WatchHandlers } from './types.ts';

export interface WatchTimings {
  /** How long Consul may hold a query back. Short: a frozen server is only noticed once this and the grace have passed. */
  readonly waitMs: number;
  /** Added to the deadline: Consul itself adds up to a sixteenth to the wait, and the answer takes its way. */
  readonly graceMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** After an answer that brought nothing new, so that no fault of a server makes this loop spin. */
  readonly idleMs: number;
}

const defaultTimings: WatchTimings = {
  waitMs: 5000,
  graceMs: 1000,
  retryFirstMs: 50,
  retryMaxMs: 1000,
  idleMs: 20,
};

/** Throws RegisterMalformed. */
type Parse = (answer: Awaited<ReturnType<ConsulClient['key']>>) => RegisterSnapshot;

/** Runs until `signal` aborts; see Register.watch. */
export function watchRegister(
  client: ConsulClient,
  key: string,
  parse: Parse,
  handlers: WatchHandlers,
  signal: AbortSignal,
  timings: WatchTimings = defaultTimings,
  random?: Random,
): void {
  void new RegisterWatch(client, key, parse, handlers, signal, timings, random).run();
}

class RegisterWatch {
  readonly #client: ConsulClient;
  readonly #key: string;
  readonly #parse: Parse;
  readonly #handlers: WatchHandlers;
  readonly #signal: AbortSignal;
  readonly #timings: WatchTimings;
  readonly #backoff: Backoff;
  #index = 0;
  #last: RegisterSnapshot | null = null;
  /** Reported last: null for nothing yet, '' for reachable, else the message of the failure. */
  #reported: string | null = null;

  constructor(
    client: ConsulClient,
    key: string,
    parse: Parse,
    handlers: WatchHandlers,
    signal: AbortSignal,
    timings: WatchTimings,
    random?: Random,
  ) {
    this.#client = client;
    this.#key = key;
    this.#parse = parse;
    this.#handlers = handlers;
    this.#signal = signal;
    this.#timings = timings;
    this.#backoff = new Backoff(timings.retryFirstMs, timings.retryMaxMs, random);
  }

  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      let waitMs: number;
      try {
        waitMs = (await this.#once()) ? 0 : this.#timings.idleMs;
        this.#backoff.reset();
      } catch (error) {
        if (this.#signal.aborted) return;
        // What comes back may be another Consul's data: the next query answers at once.
        if (!(error instanceof RegisterMalformed)) this.#index = 0;
        this.#report(error as Error);
        waitMs = this.#backoff.next();
      }
      if (waitMs > 0) await pause(waitMs, this.#signal);
    }
  }

  /** One query; true when it brought a change. */
  async #once(): Promise<boolean> {
    const { waitMs, graceMs } = this.#timings;
    const answer = await this.#client.key(this.#key, {
      operation: 'register_watch',
      timeoutMs: this.#index === 0 ? graceMs : Math.ceil(waitMs * (17 / 16)) + graceMs,
      signal: this.#signal,
      ...(this.#index === 0 ? {} : { wait: { index: this.#index, ms: waitMs } }),
    });
    if (this.#signal.aborted) return false;
    // An index that fell is that of a Consul restored or started anew: waiting on the old one could take for ever.
    this.#index = answer.index < this.#index ? 0 : answer.index;
    const snapshot = this.#parse(answer);
    this.#report(null);
    if (this.#last !== null && same(this.#last, snapshot)) return false;
    this.#last = snapshot;
    this.#handlers.onChange(snapshot);
    return true;
  }

  /** Tells of each change for better or worse once, and of another kind of failure again. */
  #report(failure: Error | null): void {
    const reported = failure === null ? '' : failure.name + messageOf(failure);
    const before = this.#reported;
    this.#reported = reported;
    if (reported === before) return;
    if (failure === null) this.#handlers.onReachable(true);
    else this.#handlers.onReachable(false, failure);
  }
}

/** Every write and every loss of the lock moves ModifyIndex; the rest guards against a Consul restored from a backup. */
const same = (a: RegisterSnapshot, b: RegisterSnapshot): boolean =>
  a.index === b.index &&
  a.session === b.session &&
  a.value?.leader.incarnation === b.value?.leader.incarnation &&
  a.value?.revision === b.value?.revision;
