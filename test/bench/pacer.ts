// Calls when the next of evenly spaced things is due. Timers of Node count in whole milliseconds and fire up to two late, more than a
// record takes; a thread that sleeps until then and sends a message is some 0.1 ms late.
import { Worker } from 'node:worker_threads';

export interface Pace {
  readonly count: number;
  readonly ratePerSecond: number;
}

/** What a thread of `pacer-thread.ts` sends, first when it starts to count and then how many are due. */
export type PacerMessage = { readonly startNs: bigint } | { readonly due: number };

/**
 * Calls `due` `count` times, with the time at which each was due in ms of `performance.now()`: never before, and as often in one turn as
 * are due. Resolves after the last; rejects with what `due` throws, or with the signal's reason.
 */
export async function paced(pace: Pace, due: (dueMs: number) => void, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(new URL('pacer-thread.ts', import.meta.url), { workerData: pace, name: 'pacer' });
  let startMs = 0;
  let called = 0;
  const take = (message: PacerMessage): void => {
    if ('startNs' in message) {
      startMs = performance.now() + Number(message.startNs - process.hrtime.bigint()) / 1e6;
      return;
    }
    try {
      for (; called < message.due && signal?.aborted !== true; called += 1)
        due(startMs + (called / pace.ratePerSecond) * 1000);
    } catch (error) {
      stop(error);
    }
    if (called === pace.count) resolve();
  };
  const stop = (error: unknown): void => {
    worker.off('message', take);
    reject(error);
  };
  const abort = (): void => stop(signal?.reason);
  signal?.addEventListener('abort', abort);
  worker.on('message', take);
  worker.once('error', stop);
  worker.once('exit', () => stop(new Error('The pacer stopped before all were due.')));
  try {
    await promise;
  } finally {
    signal?.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
