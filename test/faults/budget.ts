// Where the time of a takeover goes: when another logger led, by its own log; when its pod carried the label, and when the
// Service routed to it alone, by the API server's watches. All in milliseconds after the fault.
import assert from 'node:assert/strict';
import type { Arena } from './arena.ts';

/** Of the election, in its order, by the winner's own log; what came before them is the time until the loss was noticed. */
export interface Steps {
  readonly voteMs: number;
  readonly registerMs: number;
  readonly promiseMs: number;
}

export interface Budget {
  /** A logger led in a new epoch. */
  readonly leadingMs: number;
  /** Null when the log does not tell them. */
  readonly steps: Steps | null;
  /** Its pod carried the label. */
  readonly labelledMs: number;
  /** For good, one pod carried the label and the EndpointSlice of the Service had it alone. */
  readonly routedMs: number;
}

export async function budgetOf(arena: Arena, struckMs: number, epoch: number): Promise<Budget> {
  const labelledMs = arena.routes.labelledMs(struckMs, epoch);
  const routedMs = arena.routes.settledMs(struckMs, epoch);
  const logs = await Promise.all((await arena.loggers()).map(({ name }) => logOf(arena, name, struckMs)));
  const first = firstLeading(logs, struckMs);
  assert.ok(
    labelledMs !== null && routedMs !== null && first !== null,
    `no new leader after epoch ${epoch}: ${JSON.stringify({ first, labelledMs, routedMs })}`,
  );
  return {
    leadingMs: Math.round(first.leadingMs),
    steps: first.steps,
    labelledMs: Math.round(labelledMs),
    routedMs: Math.round(routedMs),
  };
}

const logOf = (arena: Arena, pod: string, struckMs: number): Promise<string> =>
  arena.namespace.kubectl(['logs', pod, `--since-time=${new Date(struckMs - 1000).toISOString()}`]);

interface Line extends Steps {
  readonly time: number;
  readonly event: string;
  readonly epoch: number;
}

/** By the logs of all loggers; the one that led first after the fault may have been struck itself since then. */
export function firstLeading(
  logs: readonly string[],
  struckMs: number,
): Pick<Budget, 'leadingMs' | 'steps'> | null {
  const lines = logs.flatMap((log) =>
    log
      .split('\n')
      .filter((line) => /"event":"(leading|elected)"/.test(line))
      .map((line) => JSON.parse(line) as Line),
  );
  const led = lines.filter(({ event, time }) => event === 'leading' && time >= struckMs);
  const [first] = led.toSorted((a, b) => a.time - b.time);
  if (first === undefined) return null;
  const elected = lines.find(({ event, epoch }) => event === 'elected' && epoch === first.epoch);
  const { voteMs, registerMs, promiseMs } = elected ?? {};
  const steps =
    voteMs === undefined || registerMs === undefined || promiseMs === undefined
      ? null
      : { voteMs, registerMs, promiseMs };
  return { leadingMs: first.time - struckMs, steps };
}
