// What a recorded history tells about time and refusals: the longest time without an acknowledgement, and the calls that the
// client gave up on. Only exactly-once producers count: an appender without an id never repeats a call, and shows what a client
// that knows nothing but the Service sees.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AppendCall, HistoryLine } from '../../src/verify/index.ts';

export interface Measured {
  /** Longest time between two successive acknowledgements of one producer that ends after the fault and begins before all was whole. */
  readonly gapMs: number;
  /** When that time began, in milliseconds since 1970. */
  readonly gapFromMs: number;
  /** Calls that were not acknowledged, whatever the client tried, by code. */
  readonly failed: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  /** The same gap of an appender, which goes through the Service each time and repeats nothing; null without one. */
  readonly plainGapMs: number | null;
}

const isOver = (line: HistoryLine): line is AppendCall => line.type === 'append' && line.end !== null;

/** From the fault until all was whole again, in milliseconds since 1970 on the clock of the history. */
export interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export async function measure(lines: AsyncIterable<string>, span: Span): Promise<Measured> {
  const acks = new Map<string, number[]>();
  const plain: number[] = [];
  const failed: Record<string, number> = {};
  let acknowledged = 0;
  for await (const text of lines) {
    // A recorder that was killed leaves a last line cut short; the checker tells about it.
    const line = parsed(text);
    if (line === null || !isOver(line)) continue;
    if (line.producer === undefined) {
      if (line.outcome === 'ok') plain.push(line.end as number);
    } else if (line.outcome === 'ok') {
      acknowledged += 1;
      const times = acks.get(line.process) ?? [];
      times.push(line.end as number);
      acks.set(line.process, times);
    } else if ((line.end as number) >= span.sinceMs) {
      const code = line.code ?? line.outcome;
      failed[code] = (failed[code] ?? 0) + 1;
    }
  }
  const gaps = [...acks.values()].map((times) => longestGap(times, span));
  const longest = gaps.reduce((most, gap) => (gap.ms > most.ms ? gap : most), {
    ms: 0,
    fromMs: span.sinceMs,
  });
  const plainGapMs = plain.length === 0 ? null : longestGap(plain, span).ms;
  return { gapMs: longest.ms, gapFromMs: longest.fromMs, failed, acknowledged, plainGapMs };
}

/** Of the times of acknowledgements, in any order. */
export function longestGap(
  times: readonly number[],
  { sinceMs, untilMs }: Span,
): { ms: number; fromMs: number } {
  const sorted = times.toSorted((a, b) => a - b);
  let longest = { ms: 0, fromMs: sinceMs };
  for (const [index, time] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before === undefined || time < sinceMs || before >= untilMs) continue;
    if (time - before > longest.ms) longest = { ms: time - before, fromMs: before };
  }
  return longest;
}

export const linesOfFile = (path: string): AsyncIterable<string> =>
  createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });

function parsed(text: string): HistoryLine | null {
  try {
    return JSON.parse(text) as HistoryLine;
  } catch {
    return null;
  }
}
