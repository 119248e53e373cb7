// How long a whole cluster takes to serve again with a long log: from the start of the processes until a record is acknowledged,
// after a clean stop and after SIGKILL of all. Each includes the start of Node and an election.
import { Producer } from '../../src/client/index.ts';
import { round } from './numbers.ts';
import { Payload } from './payload.ts';
import { type ReadBack, readBack } from './read-back.ts';
import { Rig } from './rig.ts';

const RECORD_BYTES = 1024;
const FILL_DEADLINE_MS = 150_000;
const POLL_MS = 20;

export interface RecoveryResult {
  readonly work: 'recovery';
  readonly mebibytes: number;
  readonly fillSeconds: number;
  /** Until each logger is ready (reads are served), and until the first append is acknowledged. */
  readonly afterStop: Recovered;
  readonly afterKill: Recovered;
  readonly readBack: ReadBack;
}

interface Recovered {
  readonly readySeconds: number;
  readonly acknowledgedSeconds: number;
}

export async function recovery({ mebibytes }: { mebibytes: number }): Promise<RecoveryResult> {
  await using rig = await Rig.start({});
  const payload = new Payload(RECORD_BYTES);
  const producer = new Producer({ ...(await rig.clientOptions()), maxQueuedRecords: 100_000 });
  const startedMs = performance.now();
  await fill(producer, payload, mebibytes);
  const fillSeconds = round((performance.now() - startedMs) / 1000, 1);
  await rig.leader();
  const afterStop = await restarted(rig, producer, payload, 'SIGTERM');
  await rig.leader();
  const afterKill = await restarted(rig, producer, payload, 'SIGKILL');
  await producer.close();
  const client = await rig.followerClient();
  const checked = await readBack(client, payload.count, RECORD_BYTES);
  await client.close();
  return { work: 'recovery', mebibytes, fillSeconds, afterStop, afterKill, readBack: checked };
}

async function fill(producer: Producer, payload: Payload, mebibytes: number): Promise<void> {
  const records = (mebibytes * 1024 * 1024) / RECORD_BYTES;
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

async function restarted(
  rig: Rig,
  producer: Producer,
  payload: Payload,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<Recovered> {
  const { all } = rig.loggers;
  await Promise.all(all.map((logger) => (signal === 'SIGTERM' ? logger.terminate() : logger.kill())));
  const startMs = performance.now();
  for (const logger of all) logger.start();
  const seconds = (): number => round((performance.now() - startMs) / 1000, 2);
  const ready = Promise.all(all.map(({ api }) => untilReady(api))).then(seconds);
  const acknowledged = producer.send(payload.next()).then(seconds);
  return { readySeconds: await ready, acknowledgedSeconds: await acknowledged };
}

async function untilReady(api: string): Promise<void> {
  const endMs = performance.now() + FILL_DEADLINE_MS;
  for (;;) {
    const ok = await fetch(`${api}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    if (performance.now() > endMs) throw new Error(`${api} is not ready`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
