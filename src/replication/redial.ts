// When to dial an address again. At first at once, then after waits that double up to a second, with jitter so that loggers
// which lost each other together do not dial in step.
import { REDIAL_FIRST_MS, REDIAL_MAX_MS, STOOD_WELL_MS } from './limits.ts';

/** The wait after `failures` failed attempts in a row, between a half and the whole of what doubling gives. */
export const redialDelayMs = (failures: number, random: () => number): number =>
  Math.min(REDIAL_MAX_MS, REDIAL_FIRST_MS * 2 ** Math.min(failures - 1, 30)) * (0.5 + random() / 2);

/** The state of one address: an attempt is under way, or one is planned, or none is wanted now. */
export class Redial {
  readonly #attempt: (signal: AbortSignal) => void;
  readonly #random: () => number;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;
  #attempting: AbortController | null = null;
  #stopped = false;

  /** `attempt` ends with a call of `failed`, `stands`, or `unneeded`. */
  constructor(attempt: (signal: AbortSignal) => void, random: () => number) {
    this.#attempt = attempt;
    this.#random = random;
  }

  /** Dials now, unless an attempt is under way. */
  now(): void {
    if (this.#stopped || this.#attempting !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#attempting = new AbortController();
    this.#attempt(this.#attempting.signal);
  }

  failed(): void {
    this.#attempting = null;
    if (this.#stopped || this.#timer !== null) return;
    this.#failures += 1;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.now();
      },
      redialDelayMs(this.#failures, this.#random),
    );
  }

  /** There is a connection; `lost` will tell when it is gone. */
  stands(): void {
    this.#attempting = null;
  }

  lost(stoodMs: number): void {
    if (stoodMs >= STOOD_WELL_MS) this.afresh();
    else this.failed();
  }

  /** Circumstances changed: earlier failures say nothing about the next attempt. */
  afresh(): void {
    this.#failures = 0;
    this.now();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#attempting?.abort();
  }
}
