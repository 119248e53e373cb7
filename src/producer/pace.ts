// When the next messages are due. What falls due while nothing can be sent is caught up, but only the last second of it: after
// a long outage the rate is kept, not the schedule.
import { setTimeout as sleep } from 'node:timers/promises';

const CATCH_UP_MS = 1000;
/** Most messages sent at a time. */
const MAX_DUE = 500;
const MS_PER_SECOND = 1000;

export interface PaceClock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Rejects when `signal` aborts. */
const realClock: PaceClock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};

export class Pace {
  readonly #rate: number;
  readonly #clock: PaceClock;
  /** When the next message is due; from the first call on. */
  #dueMs: number | null = null;

  /** `rate` in messages a second; 0 for as many as can be sent. */
  constructor(rate: number, clock: PaceClock = realClock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Waits until at least one message is due, and says how many are. Rejects when `signal` aborts. */
  async due(signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    if (this.#rate === 0) return MAX_DUE;
    const everyMs = MS_PER_SECOND / this.#rate;
    const { now } = this.#clock;
    const dueMs = Math.max(this.#dueMs ?? now(), now() - Math.max(CATCH_UP_MS, everyMs));
    // Time goes on between two looks at the clock, and Node warns of a timer below 0.
    for (let waitMs = dueMs - now(); waitMs > 0; waitMs = dueMs - now())
      await this.#clock.sleep(waitMs, signal);
    const count = Math.min(MAX_DUE, 1 + Math.floor((now() - dueMs) / everyMs));
    this.#dueMs = dueMs + count * everyMs;
    return count;
  }
}
