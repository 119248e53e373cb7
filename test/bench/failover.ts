// How long nobody's record is acknowledged when the leader goes: one producer sends one record after another, each `pauseMs`
// after the last acknowledgement; the leader gets a signal; the longest time between two successive acknowledgements that
// ends after the signal is the gap, the pause included. After all runs the log is read back and compared with what was
// acknowledged.
import { setTimeout as sleep } from 'node:timers/promises';
import { type LogClient, Producer } from '../../src/client/index.ts';
import { quantile, round } from './numbers.ts';
import { Stack } from './stack.ts';

export interface FailoverOptions {
  readonly signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';
  readonly runs: number;
  /** 0 keeps both cores busy, and the takeover waits for them as well. */
  readonly pauseMs: number;
  readonly log: (line: string) => void;
}

export interface FailoverResult {
  readonly work: 'failover';
  readonly signal: string;
  readonly runs: number;
  readonly pauseMs: number;
  readonly gapsMs: readonly number[];
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly acknowledged: number;
  /** Requests that were neither acknowledged nor redirected, by the reason for their repetition. */
  readonly failedRequests: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly twice: number;
  readonly outOfOrder: number;
}

const RECORD_BYTES = 100;
const CALM_MS = 1000;
const JITTER_MS = 500;
const AFTER_MS = 3000;
const CLOSE_MS = 5000;
const STOPPED_MS = 30_000;

interface Acknowledged {
  readonly number: number;
  readonly offset: number;
  readonly atMs: number;
}

export async function failover({ signal, runs, pauseMs, log }: FailoverOptions): Promise<FailoverResult> {
  const stack = await Stack.start([]);
  const acks: Acknowledged[] = [];
  const failedRequests: Record<string, number> = {};
  const producer = new Producer({
    target: stack.apis,
    onRetry: ({ reason }) => {
      failedRequests[reason] = (failedRequests[reason] ?? 0) + 1;
    },
  });
  const ending = new AbortController();
  try {
    await stack.inSync();
    const sending = send(producer, acks, pauseMs, ending.signal);
    const gapsMs: number[] = [];
    for (let run = 1; run <= runs; run++) {
      const gapMs = await strike(stack, acks, signal);
      gapsMs.push(gapMs);
      log(`${signal} ${run}/${runs}: ${gapMs} ms`);
    }
    ending.abort();
    await sending;
    const sorted = [...gapsMs].sort((a, b) => a - b);
    const checked = await check(producer.client, acks);
    const figures = {
      medianMs: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      maxMs: sorted.at(-1) ?? 0,
    };
    return {
      work: 'failover',
      signal,
      runs,
      pauseMs,
      gapsMs,
      ...figures,
      acknowledged: acks.length,
      failedRequests,
      ...checked,
    };
  } finally {
    ending.abort();
    await producer.close({ signal: AbortSignal.timeout(CLOSE_MS) });
    await stack.stop();
  }
}

async function send(
  producer: Producer,
  acks: Acknowledged[],
  pauseMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (let number = 1; !signal.aborted; number++) {
    const { offset } = await producer.send(textOf(number));
    acks.push({ number, offset, atMs: performance.now() });
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

const textOf = (number: number): string => `Message: ${number} `.padEnd(RECORD_BYTES, '.');

async function strike(
  stack: Stack,
  acks: Acknowledged[],
  signal: FailoverOptions['signal'],
): Promise<number> {
  const leader = await stack.inSync();
  await sleep(CALM_MS + Math.random() * JITTER_MS);
  const pid = stack.pidOf(leader);
  const before = acks.length;
  const struckMs = performance.now();
  process.kill(pid, signal);
  await sleep(signal === 'SIGSTOP' ? STOPPED_MS : AFTER_MS);
  if (signal === 'SIGSTOP') {
    process.kill(pid, 'SIGCONT');
    await sleep(AFTER_MS);
  }
  return longestGap(acks.slice(Math.max(0, before - 1)), struckMs, performance.now());
}

/** A producer that is still waiting at the end counts with the time it has waited. */
function longestGap(acks: readonly Acknowledged[], struckMs: number, nowMs: number): number {
  let longest = nowMs - (acks.at(-1)?.atMs ?? struckMs);
  acks.forEach(({ atMs }, i) => {
    if (i > 0 && atMs > struckMs) longest = Math.max(longest, atMs - acks[i - 1]!.atMs);
  });
  return round(longest);
}

/** Reads the whole log back: every acknowledged number is there once, at its offset, in order. */
async function check(
  client: LogClient,
  acks: readonly Acknowledged[],
): Promise<{ lost: number; twice: number; outOfOrder: number }> {
  const seen = new Map<number, number>();
  let twice = 0;
  let outOfOrder = 0;
  let last = 0;
  for (let offset = 0; ; ) {
    const { records, next, commit } = await client.read({ offset });
    for (const record of records) {
      const number = Number(/^Message: (\d+) /.exec(String(record.value))?.[1]);
      if (seen.has(number)) twice += 1;
      else if (number < last) outOfOrder += 1;
      seen.set(number, record.offset);
      last = number;
    }
    offset = next;
    if (next >= commit) break;
  }
  const lost = acks.filter(({ number, offset }) => seen.get(number) !== offset).length;
  return { lost, twice, outOfOrder };
}
