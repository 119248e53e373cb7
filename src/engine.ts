// What V8 is told before anything else runs.
import { setFlagsFromString } from 'node:v8';

/** To be called once, first of all. */
export function tuneEngine(): void {
  // By itself V8 starts a full collection of the heap whenever buffers of about the size of the heap's own growth step have
  // been made, some ten megabytes: at 40 MB/s of records that is several a second, each of 20 to 100 ms on two busy cores,
  // which took half of what a logger did. Counted as part of the whole heap's limit, which grows with what is alive, buffers
  // mostly die in the young generation, and full collections become rare. Measured in docs/internals/performance.md.
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  // By itself V8 forgets the code of functions that have not run for some collections. A takeover's have not.
  setFlagsFromString('--no-flush-bytecode');
}

/** For a logger, whose heap is small, and little of it alive for long; in a client all records that wait are. */
export function tuneCollector(): void {
  // By itself V8 lets a small heap grow by 8 MB until it collects all of it, less than the young generation may take of that.
  setFlagsFromString('--heap-growing-percent=100');
  // By itself V8 collects the young generation on several threads, and the main one waits for the others, also where these wait
  // for a processor.
  setFlagsFromString('--no-parallel-scavenge');
}

/**
 * Starts a program with a young generation that does not grow. What is loaded at the start stays, and by itself V8 takes
 * that for a sign of much work: some fifteen megabytes, which it does not give back while nothing happens.
 */
export async function startSmall(start: () => Promise<void>): Promise<void> {
  setFlagsFromString('--semi-space-growth-factor=1');
  await start();
  // V8's own.
  setFlagsFromString('--semi-space-growth-factor=2');
}

/** Imports with every function compiled at once, not when it is first called: a takeover calls many for the first time. */
export async function loadWhole<T>(load: () => Promise<T>): Promise<T> {
  setFlagsFromString('--no-lazy');
  try {
    return await load();
  } finally {
    setFlagsFromString('--lazy');
  }
}
