// Exponential backoff with full jitter: a random part of a doubling bound, so that clients which failed together do not
// come back together (Marc Brooker, "Exponential Backoff And Jitter", 2015).

const BASE_MS = 10;
/** 2^20 × base is far beyond any `maxMs`; the exponent is bounded so that it cannot overflow. */
const MAX_EXPONENT = 20;

/** Wait before the retry number `step`; none for step 0. */
export function backoffMs(step: number, maxMs: number, random: () => number = Math.random): number {
  if (step <= 0) return 0;
  return random() * Math.min(maxMs, BASE_MS * 2 ** Math.min(step - 1, MAX_EXPONENT));
}
