// The thread of `pacer.ts`: sleeps until the next one is due, and says how many are.
import { parentPort, workerData } from 'node:worker_threads';
import type { Pace, PacerMessage } from './pacer.ts';

const { count, ratePerSecond } = workerData as Pace;
const LEAD_NS = 10_000_000n;

// Nobody ever notifies: waiting on it is a sleep with fractions of a millisecond.
const never = new Int32Array(new SharedArrayBuffer(4));
const post = (message: PacerMessage): void => parentPort?.postMessage(message);

// The clock that all threads of a process share.
const startNs = process.hrtime.bigint() + LEAD_NS;
post({ startNs });
for (let due = 0; due < count; ) {
  const passedMs = Number(process.hrtime.bigint() - startNs) / 1e6;
  const waitMs = (due / ratePerSecond) * 1000 - passedMs;
  if (waitMs > 0) {
    Atomics.wait(never, 0, 0, waitMs);
    continue;
  }
  due = Math.min(count, Math.floor((passedMs / 1000) * ratePerSecond) + 1);
  post({ due });
}
