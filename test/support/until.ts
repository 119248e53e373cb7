// Waiting for something to become true, with a deadline so wide that only a fault passes it.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const DEADLINE_MS = 10_000;
const POLL_MS = 5;

export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, `waited ${DEADLINE_MS} ms until ${what}`);
    await sleep(POLL_MS);
  }
}
