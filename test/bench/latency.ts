// How long one record takes from `send` to its acknowledgement: one in flight at a time, or sent at a fixed rate whatever the
// acknowledgements do. At a fixed rate a record's time counts from when it was due, so that a stall is not hidden by the
// records that were not sent during it.
import { Producer } from '../../src/client/index.ts';
import { sendAtRate } from './at-rate.ts';
import { type Quantiles, quantiles } from './numbers.ts';
import { Payload } from './payload.ts';
import { type ReadBack, readBack } from './read-back.ts';
import { Rig } from './rig.ts';
import { measured, type Usage } from './usage.ts';

export interface LatencyOptions {
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly members: number;
  /** Records a second; null: the next one follows the acknowledgement of the last. */
  readonly ratePerSecond: number | null;
}

export interface LatencyResult extends Quantiles {
  readonly work: 'latency' | 'rate';
  readonly sizeBytes: number;
  readonly members: number;
  readonly warmupSeconds: number;
  readonly ratePerSecond: number;
  readonly usage: Usage;
  readonly readBack: ReadBack;
}

export async function latency(options: LatencyOptions): Promise<LatencyResult> {
  const { sizeBytes, seconds, warmupSeconds, members, ratePerSecond } = options;
  await using rig = await Rig.start({ members });
  const producer = new Producer(await rig.clientOptions());
  const payload = new Payload(sizeBytes);
  const run = (forSeconds: number): Promise<number[]> =>
    ratePerSecond === null
      ? oneAtATime(producer, payload, forSeconds)
      : atRate(producer, payload, forSeconds, ratePerSecond);
  await run(warmupSeconds);
  const { result, usage } = await measured(rig.pids, () => run(seconds));
  await producer.close();
  const client = await rig.followerClient();
  const checked = await readBack(client, payload.count, sizeBytes);
  await client.close();
  return {
    work: ratePerSecond === null ? 'latency' : 'rate',
    sizeBytes,
    members,
    warmupSeconds,
    ratePerSecond: Math.round(result.length / usage.seconds),
    ...quantiles(result),
    usage,
    readBack: checked,
  };
}

export async function oneAtATime(producer: Producer, payload: Payload, seconds: number): Promise<number[]> {
  const tookMs: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  for (let nowMs = performance.now(); nowMs < endMs; ) {
    await producer.send(payload.next());
    const afterMs = performance.now();
    tookMs.push(afterMs - nowMs);
    nowMs = afterMs;
  }
  return tookMs;
}

async function atRate(
  producer: Producer,
  payload: Payload,
  seconds: number,
  ratePerSecond: number,
): Promise<number[]> {
  const tookMs: number[] = [];
  await sendAtRate(producer, payload, { seconds, ratePerSecond }, (_, dueMs) => {
    tookMs.push(performance.now() - dueMs);
  });
  return tookMs;
}
