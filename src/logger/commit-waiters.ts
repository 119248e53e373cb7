// Readers at the end of the log wait here for the commit to pass their offset.

interface Waiter {
  readonly offset: number;
  readonly wake: (reached: boolean) => void;
}

export class CommitWaiters {
  readonly #waiters = new Set<Waiter>();
  #commit = 0;

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Wakes every waiter whose offset lies below `commit`. */
  advance(commit: number): void {
    this.#commit = commit;
    for (const waiter of this.#waiters) if (waiter.offset < commit) waiter.wake(true);
  }

  /** Resolves true once commit is above `offset`, false when `signal` aborts first. Bounded by the caller's signal. */
  wait(offset: number, signal: AbortSignal): Promise<boolean> {
    if (offset < this.#commit) return Promise.resolve(true);
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onAbort = (): void => waiter.wake(false);
      const waiter: Waiter = {
        offset,
        wake: (reached) => {
          this.#waiters.delete(waiter);
          signal.removeEventListener('abort', onAbort);
          resolve(reached);
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
