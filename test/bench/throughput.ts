// Producers that send as fast as records are acknowledged, with as many under way as their bounds allow: one, or several that share
// those bounds.
import { Producer } from '../../src/client/index.ts';
import { type Quantiles, quantiles, round } from './numbers.ts';
import { Payload } from './payload.ts';
import { type ReadBack, readBack, readBackAny } from './read-back.ts';
import { Rig } from './rig.ts';
import { measured, type Usage } from './usage.ts';

export interface ThroughputOptions {
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly members: number;
  readonly producers: number;
}

export interface ThroughputResult extends Quantiles {
  readonly work: 'throughput';
  readonly sizeBytes: number;
  readonly members: number;
  readonly producers: number;
  readonly ratePerSecond: number;
  readonly megabytesPerSecond: number;
  readonly usage: Usage;
  readonly readBack: ReadBack;
}

/** Latencies kept: every so many, so that keeping them costs nothing. */
const SAMPLE_EVERY = 32;
/** Sends between two looks at the clock and at the room. */
const SENDS_PER_LOOK = 64;
const MiB = 1024 * 1024;
/**
 * Of each producer: what five batches under way hold, and more to fill the next ones from. What waits beyond that is not sent sooner,
 * but each record that waits is copied by the collector: 16 MiB of small ones cost as much as everything else.
 */
const QUEUED_BYTES = 4 * MiB;
/** Of all together. */
const QUEUE = { maxQueuedRecords: 2_000_000, maxQueuedBytes: 16 * MiB };

export async function throughput(options: ThroughputOptions): Promise<ThroughputResult> {
  const { sizeBytes, seconds, warmupSeconds, members, producers: count } = options;
  await using rig = await Rig.start({ members });
  const target = await rig.clientOptions();
  const producers = Array.from({ length: count }, () => new Producer({ ...target, ...queueOf(count) }));
  const load = new Load(producers, new Payload(sizeBytes));
  await load.run(warmupSeconds);
  const { result, usage } = await measured(rig.pids, () => load.run(seconds));
  const acknowledged = await load.settled();
  await Promise.all(producers.map((producer) => producer.close()));
  const client = await rig.followerClient();
  const checked = await (count === 1 ? readBack : readBackAny)(client, acknowledged, sizeBytes);
  await client.close();
  const ratePerSecond = result.acknowledged / usage.seconds;
  return {
    work: 'throughput',
    sizeBytes,
    members,
    producers: count,
    ratePerSecond: Math.round(ratePerSecond),
    megabytesPerSecond: round((ratePerSecond * sizeBytes) / 1e6, 2),
    ...quantiles(result.latenciesMs),
    usage,
    readBack: checked,
  };
}

/** Each producer's share. */
const queueOf = (producers: number) => ({
  maxQueuedRecords: Math.floor(QUEUE.maxQueuedRecords / producers),
  maxQueuedBytes: Math.min(QUEUED_BYTES, Math.floor(QUEUE.maxQueuedBytes / producers)),
});

class Load {
  readonly #producers: readonly Producer[];
  readonly #payload: Payload;
  #acknowledged = 0;
  #failure: unknown = null;
  #latenciesMs: number[] = [];

  constructor(producers: readonly Producer[], payload: Payload) {
    this.#producers = producers;
    this.#payload = payload;
  }

  /** Sends for so long; what was acknowledged meanwhile, whenever it was sent. */
  async run(seconds: number): Promise<{ acknowledged: number; latenciesMs: number[] }> {
    const before = this.#acknowledged;
    this.#latenciesMs = [];
    const endMs = performance.now() + seconds * 1000;
    while (performance.now() < endMs) {
      if (this.#producers.every(({ full }) => full))
        await Promise.race(this.#producers.map((producer) => producer.room()));
      for (const producer of this.#producers) this.#sendSome(producer);
      if (this.#failure !== null) throw this.#failure;
    }
    return { acknowledged: this.#acknowledged - before, latenciesMs: this.#latenciesMs };
  }

  #sendSome(producer: Producer): void {
    const sentMs = performance.now();
    for (let sent = 0; sent < SENDS_PER_LOOK && !producer.full; sent += 1) {
      const isSample = this.#payload.count % SAMPLE_EVERY === 0;
      producer.send(this.#payload.next()).then(
        () => {
          this.#acknowledged += 1;
          if (isSample) this.#latenciesMs.push(performance.now() - sentMs);
        },
        (error: unknown) => {
          this.#failure ??= error;
        },
      );
    }
  }

  /** Resolves with the number of records once all are acknowledged. */
  async settled(): Promise<number> {
    const { count } = this.#payload;
    while (this.#acknowledged < count && this.#failure === null) await new Promise(setImmediate);
    if (this.#failure !== null) throw this.#failure;
    return count;
  }
}
