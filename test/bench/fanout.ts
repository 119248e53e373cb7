// Readers that follow the log live (event streams, spread over all loggers) while one producer sends at a fixed rate: how long
// after its acknowledgement each record reaches each reader. Negative figures are as good as zero: a reader at a follower may see
// a record before its producer has the answer.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Producer } from '../../src/client/index.ts';
import { sendAtRate } from './at-rate.ts';
import { type Quantiles, quantiles } from './numbers.ts';
import { numberIn, Payload } from './payload.ts';
import { Rig } from './rig.ts';
import { measured, type Usage } from './usage.ts';

export interface FanoutOptions {
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly readers: number;
  readonly ratePerSecond: number;
}

export interface FanoutResult extends Quantiles {
  readonly work: 'fanout';
  readonly sizeBytes: number;
  readonly readers: number;
  readonly ratePerSecond: number;
  readonly received: number;
  /** Records that a reader missed or got out of order. */
  readonly missed: number;
  readonly usage: Usage;
}

const DRAIN_MS = 3000;
const SAMPLE_EVERY = 7;

export async function fanout(options: FanoutOptions): Promise<FanoutResult> {
  const { sizeBytes, seconds, readers, ratePerSecond } = options;
  await using rig = await Rig.start({});
  const producer = new Producer(await rig.clientOptions());
  const payload = new Payload(sizeBytes);
  await producer.send(payload.next());
  const ackedMs: number[] = [];
  const tookMs: number[] = [];
  const audience = Array.from({ length: readers }, (_, index) => {
    const { api } = rig.loggers.all[index % rig.loggers.all.length]!;
    return new Reader(api, index % SAMPLE_EVERY, (number) => {
      // What arrives before its acknowledgement counts from now on, as 0.
      tookMs.push(Math.max(0, performance.now() - (ackedMs[number] ?? performance.now())));
    });
  });
  await Promise.all(audience.map((reader) => reader.opened));
  const { usage } = await measured(rig.pids, () =>
    sendAtRate(producer, payload, options, (number) => {
      ackedMs[number] = performance.now();
    }),
  );
  for (const endMs = performance.now() + DRAIN_MS; performance.now() < endMs; await sleep(20))
    if (audience.every(({ last }) => last === payload.count)) break;
  for (const reader of audience) reader.end();
  await producer.close();
  let received = 0;
  let missed = 0;
  for (const reader of audience) {
    received += reader.received;
    missed += reader.outOfOrder + payload.count - reader.last;
  }
  return {
    work: 'fanout',
    sizeBytes,
    readers,
    ratePerSecond: Math.round(ratePerSecond * Math.min(1, (payload.count - 1) / (seconds * ratePerSecond))),
    received,
    missed,
    ...quantiles(tookMs),
    usage,
  };
}

/** One event stream on a bare socket: only the number of each record is looked at. */
class Reader {
  readonly opened: Promise<void>;
  readonly #socket: Socket;
  readonly #sampleAt: number;
  readonly #onSample: (number: number) => void;
  #rest = '';
  received = 0;
  outOfOrder = 0;
  last = 1;

  constructor(api: string, sampleAt: number, onSample: (number: number) => void) {
    const { host, hostname, port } = new URL(api);
    this.#sampleAt = sampleAt;
    this.#onSample = onSample;
    this.#socket = connect(Number(port), hostname);
    this.#socket.write(
      `GET /api/v1/log?offset=1 HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`,
    );
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('data', () => resolve());
      this.#socket.once('error', reject);
    });
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
  }

  #read(text: string): void {
    const all = this.#rest + text;
    let from = 0;
    for (let at = all.indexOf(VALUE, from); at !== -1; at = all.indexOf(VALUE, from)) {
      const number = numberIn(all, at + VALUE.length);
      if (number === null) break;
      from = at + VALUE.length;
      this.#take(number);
    }
    this.#rest = all.slice(Math.max(from, all.length - VALUE.length - 16));
  }

  #take(number: number): void {
    this.received += 1;
    if (number !== this.last + 1) this.outOfOrder += 1;
    this.last = number;
    if (number % SAMPLE_EVERY === this.#sampleAt) this.#onSample(number);
  }

  end(): void {
    this.#socket.destroy();
  }
}

const VALUE = '"value":"';
