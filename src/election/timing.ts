// Waiting, for the loops that keep watch, session and catalog entry: waits end early by a signal, and are spread at random
// so that loggers which lost Consul together do not come back to it together.

export type Random = () => number;

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}

/** Waits that double from `firstMs` to `maxMs`; each is drawn from its upper half. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: Random;
  #nextMs: number;

  constructor(firstMs: number, maxMs: number, random: Random = Math.random) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#nextMs = firstMs;
  }

  next(): number {
    const ms = this.#nextMs * (0.5 + this.#random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#maxMs);
    return ms;
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
