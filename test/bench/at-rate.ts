// Records sent at a fixed rate, whatever the acknowledgements do: nothing that is due is left out, however late.
import type { Producer } from '../../src/client/index.ts';
import { paced } from './pacer.ts';
import type { Payload } from './payload.ts';

export interface AtRate {
  readonly seconds: number;
  readonly ratePerSecond: number;
}

/**
 * `acknowledged` gets the number of each record (`payload`'s) and when it was due. Resolves once all are; rejects with the first that
 * fails. Keeps nothing of a record meanwhile: what a collector finds alive, it stops the client for.
 */
export async function sendAtRate(
  producer: Producer,
  payload: Payload,
  { seconds, ratePerSecond }: AtRate,
  acknowledged: (number: number, dueMs: number) => void,
): Promise<void> {
  const all = Promise.withResolvers<void>();
  const failed = new AbortController();
  all.promise.catch((error: unknown) => failed.abort(error));
  let left = Math.ceil(seconds * ratePerSecond);
  await paced(
    { count: left, ratePerSecond },
    (dueMs) => {
      const bytes = payload.next();
      const number = payload.count;
      producer.send(bytes).then(() => {
        acknowledged(number, dueMs);
        left -= 1;
        if (left === 0) all.resolve();
      }, all.reject);
    },
    failed.signal,
  );
  await all.promise;
}
