// Where the time of a takeover goes: when another logger led, by its own log; when its pod carried the label, and when the
// Service routed to it alone, by the API server's watches. All in milliseconds after the fault.
import assert from 'node:assert/strict';
import type { Arena } from './arena.ts';

export interface Budget {
  /** A logger led in a new epoch. */
  readonly leadingMs: number;
  /** Its pod carried the label. */
  readonly labelledMs: number;
  /** For good, one pod carried the label and the EndpointSlice of the Service had it alone. */
  readonly routedMs: number;
}

export async function budgetOf(arena: Arena, struckMs: number, epoch: number): Promise<Budget> {
  const labelledMs = arena.routes.labelledMs(struckMs, epoch);
  const routedMs = arena.routes.settledMs(struckMs, epoch);
  const leadingMs = await firstLeading(arena, struckMs);
  assert.ok(
    labelledMs !== null && routedMs !== null && leadingMs !== null,
    `no new leader after epoch ${epoch}: ${JSON.stringify({ leadingMs, labelledMs, routedMs })}`,
  );
  return {
    leadingMs: Math.round(leadingMs),
    labelledMs: Math.round(labelledMs),
    routedMs: Math.round(routedMs),
  };
}

/** By the logs of all loggers; the one that led first after the fault may have been struck itself since then. */
async function firstLeading(arena: Arena, struckMs: number): Promise<number | null> {
  let first: number | null = null;
  const since = `--since-time=${new Date(struckMs - 1000).toISOString()}`;
  for (const { name } of await arena.loggers())
    for (const line of (await arena.namespace.kubectl(['logs', name, since])).split('\n')) {
      if (!line.includes('"event":"leading"')) continue;
      const { time } = JSON.parse(line) as { time: number };
      if (time >= struckMs) first = Math.min(first ?? time, time);
    }
  return first === null ? null : first - struckMs;
}
