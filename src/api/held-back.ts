// Answers that are held back for a while, all for as long: one timer for all of them.
import type { Bounds } from './bounds.ts';

interface Held {
  readonly dueMs: number;
  readonly run: () => void;
}

export class HeldBack {
  readonly #holdMs: number;
  readonly #max: number;
  /** The oldest first. The timer runs while there are any. */
  readonly #held: Held[] = [];

  constructor({ refusalHoldMs, maxHeldRefusals }: Pick<Bounds, 'refusalHoldMs' | 'maxHeldRefusals'>) {
    this.#holdMs = refusalHoldMs;
    this.#max = maxHeldRefusals;
  }

  /** Calls `run` later, after those that were added before; at once where as many are held as may. */
  add(run: () => void): void {
    if (this.#held.length >= this.#max) {
      run();
      return;
    }
    if (this.#held.length === 0) this.#wait(this.#holdMs);
    this.#held.push({ dueMs: performance.now() + this.#holdMs, run });
  }

  #wait(ms: number): void {
    setTimeout(() => this.#release(), ms);
  }

  #release(): void {
    const nowMs = performance.now();
    const later = this.#held.findIndex(({ dueMs }) => dueMs > nowMs);
    const due = this.#held.splice(0, later < 0 ? this.#held.length : later);
    const [next] = this.#held;
    if (next) this.#wait(next.dueMs - nowMs);
    for (const { run } of due) run();
  }
}
