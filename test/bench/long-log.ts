// A log filled at full speed, and its cluster ended and started again: how long until each logger is ready (reads are served), and
// until a record is acknowledged. Each start includes that of Node and an election.
import type { Producer } from '../../src/client/index.ts';
import { round } from './numbers.ts';
import type { Payload } from './payload.ts';
import type { Rig } from './rig.ts';

const FILL_DEADLINE_MS = 300_000;
const READY_DEADLINE_MS = 150_000;
const POLL_MS = 20;

export interface Started {
  readonly readySeconds: number;
  readonly acknowledgedSeconds: number;
}

/** Sends until there are `records`; resolves when all are acknowledged. */
export async function fill(producer: Producer, payload: Payload, records: number): Promise<void> {
  const endMs = performance.now() + FILL_DEADLINE_MS;
  let failure: unknown = null;
  let last: Promise<unknown> = Promise.resolve();
  while (payload.count < records) {
    if (producer.full) await producer.room();
    if (failure !== null) throw failure;
    if (performance.now() > endMs) throw new Error(`only ${payload.count} of ${records} records in time`);
    last = producer.send(payload.next());
    last.catch((error: unknown) => {
      failure = error;
    });
  }
  await last;
}

export async function restarted(
  rig: Rig,
  producer: Producer,
  payload: Payload,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<Started> {
  await rig.leader();
  const { all } = rig.loggers;
  await Promise.all(all.map((logger) => (signal === 'SIGTERM' ? logger.terminate() : logger.kill())));
  const startMs = performance.now();
  for (const logger of all) logger.start();
  const seconds = (): number => round((performance.now() - startMs) / 1000, 2);
  const ready = Promise.all(all.map(({ api }) => untilReady(api))).then(seconds);
  const acknowledged = producer.send(payload.next()).then(seconds);
  const [readySeconds, acknowledgedSeconds] = await Promise.all([ready, acknowledged]);
  return { readySeconds, acknowledgedSeconds };
}

async function untilReady(api: string): Promise<void> {
  const endMs = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    const signal = AbortSignal.timeout(READY_DEADLINE_MS);
    const ok = await fetch(`${api}/readyz`, { signal }).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    if (performance.now() > endMs) throw new Error(`${api} is not ready`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
