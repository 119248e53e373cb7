// Records sent at a fixed rate, whatever the acknowledgements do: nothing that is due is left out, however late.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from '../../src/client/index.ts';
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
  const count = seconds * ratePerSecond;
  const all = Promise.withResolvers<void>();
  let left = count;
  let failed = false;
  all.promise.catch(() => {
    failed = true;
  });
  const send = (dueMs: number): void => {
    const bytes = payload.next();
    const number = payload.count;
    producer.send(bytes).then(() => {
      acknowledged(number, dueMs);
      left -= 1;
      if (left === 0) all.resolve();
    }, all.reject);
  };
  const startMs = performance.now();
  for (let sent = 0; sent < count && !failed; ) {
    const dueMs = startMs + (sent / ratePerSecond) * 1000;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) {
      await sleep(waitMs);
      continue;
    }
    send(dueMs);
    sent += 1;
  }
  await all.promise;
}
