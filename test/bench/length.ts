// What a log's length costs: the time of an append and of a read, at both ends of it and anywhere between, and of a start.
import { type LogClient, Producer } from '../../src/client/index.ts';
import { oneAtATime } from './latency.ts';
import { fill, restarted, type Started } from './long-log.ts';
import { type Quantiles, quantiles } from './numbers.ts';
import { Payload } from './payload.ts';
import { type ReadBack, readBack } from './read-back.ts';
import { Rig } from './rig.ts';

export interface LengthOptions {
  readonly records: number;
  readonly sizeBytes: number;
  /** Of appends, and of each kind of reads. */
  readonly seconds: number;
  readonly sources?: boolean;
}

export interface LengthResult {
  readonly work: 'length';
  readonly records: number;
  readonly sizeBytes: number;
  readonly fillPerSecond: number;
  readonly append: Quantiles;
  /** Of `READ_RECORDS` records from a follower: the first of the log, those at offsets all over it, and the last. */
  readonly readFirst: Quantiles;
  readonly readAnywhere: Quantiles;
  readonly readLast: Quantiles;
  readonly afterStop: Started;
  readonly afterKill: Started;
  readonly readBack: ReadBack;
}

const READ_RECORDS = 100;
const QUEUE = { maxQueuedRecords: 1_000_000, maxQueuedBytes: 16 * 1024 * 1024 };
/** Of offsets all over the log: a stride that is no divisor of its length visits all, near each other never in turn. */
const STRIDE = 0.618_033_988;

export async function length(options: LengthOptions): Promise<LengthResult> {
  const { records, sizeBytes, seconds, sources = false } = options;
  await using rig = await Rig.start({ sources });
  const payload = new Payload(sizeBytes);
  const producer = new Producer({ ...(await rig.clientOptions()), ...QUEUE });
  const startedMs = performance.now();
  await fill(producer, payload, records);
  const fillPerSecond = Math.round((records / (performance.now() - startedMs)) * 1000);
  const afterStop = await restarted(rig, producer, payload, 'SIGTERM');
  const afterKill = await restarted(rig, producer, payload, 'SIGKILL');
  await rig.leader();
  const append = quantiles(await oneAtATime(producer, payload, seconds));
  await producer.close();
  await rig.leader();
  const client = await rig.followerClient();
  const last = Math.max(0, payload.count - READ_RECORDS);
  const reads = (offsetOf: (turn: number) => number) => readTimes(client, seconds, offsetOf);
  const readFirst = await reads(() => 0);
  const readAnywhere = await reads((turn) => Math.floor(last * ((turn * STRIDE) % 1)));
  const readLast = await reads(() => last);
  const checked = await readBack(client, payload.count, sizeBytes);
  await client.close();
  return {
    work: 'length',
    records,
    sizeBytes,
    fillPerSecond,
    append,
    readFirst,
    readAnywhere,
    readLast,
    afterStop,
    afterKill,
    readBack: checked,
  };
}

async function readTimes(
  client: LogClient,
  seconds: number,
  offsetOf: (turn: number) => number,
): Promise<Quantiles> {
  const tookMs: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  for (let nowMs = performance.now(); nowMs < endMs; ) {
    const offset = offsetOf(tookMs.length);
    const { records } = await client.read({ offset, limit: READ_RECORDS });
    const afterMs = performance.now();
    if (records[0]?.offset !== offset)
      throw new Error(`offset ${offset} was asked for, ${records[0]?.offset ?? 'nothing'} came`);
    tookMs.push(afterMs - nowMs);
    nowMs = afterMs;
  }
  return quantiles(tookMs);
}
