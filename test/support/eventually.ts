// Waiting for what another process brings about: asked again and again until a deadline so wide that only a fault passes it.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const DEADLINE_MS = 40_000;
const POLL_MS = 25;

/** Resolves with the first answer of `ask` that is not null, false or undefined. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | null | false | undefined> | T | null | false | undefined,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false && answer !== undefined) return answer;
    assert.ok(performance.now() < endMs, `waited ${deadlineMs} ms until ${what}`);
    await sleep(POLL_MS);
  }
}
