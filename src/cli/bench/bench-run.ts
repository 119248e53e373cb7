// The producers of a bench, from the first record to the last acknowledgement. As fast as records are acknowledged, with a
// bounded number under way; or at a rate, and then the time of a record counts from when it was due, so that a stall is not
// hidden by the records that were not sent during it.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Acknowledgement, type ClientOptions, Producer } from '../../client/index.ts';
import type { BenchArguments } from '../bench-arguments.ts';
import { Overdue } from '../overdue.ts';
import { Acknowledged } from './acknowledged.ts';
import { Payload } from './payload.ts';

const US_PER_MS = 1000;
/** An hour, as long as a bench takes at most. */
const LATENCY_US_MAX = 3600 * 1000 * US_PER_MS;
const LATENCY_DIGITS = 3;
/** Far more than `inFlight` records of any size hold: their number is the bound that counts. */
const QUEUED_BYTES_MAX = 64 * 1024 * 1024;
const CLOSE_MS = 1000;

export interface BenchOptions {
  readonly client: ClientOptions;
  readonly bench: BenchArguments;
  /** Within this each record must be acknowledged. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Eight hexadecimal digits that no other bench has. */
  readonly run: string;
  readonly onAcknowledged: () => void;
}

export class BenchRun {
  readonly #options: BenchOptions;
  readonly #producers: Producer[];
  /** Of each producer. */
  readonly acknowledged: Acknowledged[];
  readonly latencyUs: RecordableHistogram = createHistogram({
    lowest: 1,
    highest: LATENCY_US_MAX,
    figures: LATENCY_DIGITS,
  });
  readonly #overdue: Overdue;
  #failure: unknown = null;
  #unsettled = 0;
  #startMs = 0;
  #endMs = 0;
  #epochs: { first: number; last: number } | null = null;

  constructor(options: BenchOptions) {
    this.#options = options;
    const { bench, client, timeoutMs } = options;
    const limits = { maxQueuedRecords: bench.inFlight, maxQueuedBytes: QUEUED_BYTES_MAX };
    this.#producers = Array.from({ length: bench.producers }, () => new Producer({ ...client, ...limits }));
    this.acknowledged = this.#producers.map(() => new Acknowledged());
    this.#overdue = new Overdue(timeoutMs, () => this.#giveUp(new Error(`not within ${timeoutMs} ms`)));
  }

  /** Resolves when every record that was sent is acknowledged; rejects with the first failure. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const giveUp = (): void => this.#giveUp(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      this.#startMs = performance.now();
      await Promise.all(this.#producers.map((producer, number) => this.#send(producer, number)));
      while (this.#unsettled > 0) await sleep(1);
      this.#endMs = performance.now();
    } finally {
      signal.removeEventListener('abort', giveUp);
      this.#overdue.end();
      const closing = { signal: AbortSignal.timeout(CLOSE_MS) };
      await Promise.all(this.#producers.map((producer) => producer.close(closing)));
    }
    if (this.#failure !== null) throw this.#failure;
  }

  get seconds(): number {
    return (this.#endMs - this.#startMs) / 1000;
  }

  /** Of the leaders that acknowledged; null before any did. */
  get epochs(): { readonly first: number; readonly last: number } | null {
    return this.#epochs;
  }

  async #send(producer: Producer, number: number): Promise<void> {
    const { bench, run } = this.#options;
    const payload = new Payload(run, number, bench.sizeBytes);
    const endMs = this.#startMs + bench.seconds * 1000;
    const everyMs = bench.ratePerSecond === null ? 0 : 1000 / bench.ratePerSecond;
    for (let sent = 0; this.#failure === null; sent += 1) {
      const dueMs = this.#startMs + sent * everyMs;
      if (dueMs >= endMs) return;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      if (producer.full) await producer.room();
      const nowMs = performance.now();
      if (nowMs >= endMs || this.#failure !== null) return;
      this.#sendOne(producer, payload.next(), number, everyMs === 0 ? nowMs : dueMs);
    }
  }

  #sendOne(producer: Producer, record: Buffer, number: number, fromMs: number): void {
    this.#unsettled += 1;
    this.#overdue.sent();
    producer
      .send(record)
      .then(
        (acknowledgement) => this.#settle(acknowledgement, number, fromMs),
        (error: unknown) => {
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#unsettled -= 1;
        this.#overdue.settled();
      });
  }

  #settle({ offset, epoch }: Acknowledgement, number: number, fromMs: number): void {
    const tookUs = Math.round((performance.now() - fromMs) * US_PER_MS);
    this.latencyUs.record(Math.min(LATENCY_US_MAX, Math.max(1, tookUs)));
    this.acknowledged[number]?.add(offset);
    this.#epochs = {
      first: Math.min(this.#epochs?.first ?? epoch, epoch),
      last: Math.max(this.#epochs?.last ?? epoch, epoch),
    };
    this.#options.onAcknowledged();
  }

  #giveUp(reason: unknown): void {
    for (const producer of this.#producers) void producer.close({ signal: AbortSignal.abort(reason) });
  }
}
