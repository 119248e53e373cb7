// How long to wait before the API server is asked again.

const FIRST_RETRY_MS = 100;
const MAX_DOUBLINGS = 16;

/**
 * After `failures` in a row: doubling from 100 ms up to `resyncMs`, each with up to half taken off at random, so that
 * loggers that lost the API server together do not come back together. Without failures: `resyncMs`, likewise.
 */
export function delayMs(failures: number, resyncMs: number, random: () => number): number {
  const full =
    failures === 0
      ? resyncMs
      : Math.min(resyncMs, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, MAX_DOUBLINGS));
  return full * (1 - random() / 2);
}
