// Sends records in order and exactly once. What is sent while requests are under way gathers in the next one, so that batches are
// small when there is little to do and large when there is much. A request whose outcome is unknown is repeated with the same
// id, epoch and sequence until a logger answers for it; the loggers store it once.
import { randomBytes } from 'node:crypto';
import { messageOf } from '../errors.ts';
import type { Connection } from './connection.ts';
import { ClientError } from './errors.ts';
import { Flights } from './flights.ts';
import { jsonCall, LogClient } from './log-client.ts';
import { BATCH_RECORDS_MAX, ProducerStamps } from './producer-stamps.ts';
import { SendQueue, type Sent } from './send-queue.ts';
import { isCount } from './shapes.ts';
import type { Acknowledgement, ClientOptions, Sendable } from './types.ts';

const DEFAULT_MAX_QUEUED_RECORDS = 10_000;
const DEFAULT_MAX_QUEUED_BYTES = 16 * 1024 * 1024;
/** A batch holds no more than this, unless a single send does. Well below the loggers' limits as they come. */
const BATCH_LIMITS = { maxRecords: BATCH_RECORDS_MAX, maxBytes: 512 * 1024 };
/**
 * So many requests go out at once, whatever they hold; further ones only when a batch is as large as batches get. What gathers
 * meanwhile goes out together: on loaded processors each request less is worth more than the wait for the one before.
 */
const EAGER_FLIGHTS = 1;

export interface ProducerOptions extends ClientOptions {
  /** From 1 to 2^63-1; a random one unless given. A kept id lets a restarted producer `resume()`. */
  readonly id?: bigint;
  /** Records that may be unsettled at a time; `send` refuses more with queue-full. */
  readonly maxQueuedRecords?: number;
  readonly maxQueuedBytes?: number;
}

export interface SendOptions {
  /** Gives up: the send is rejected as aborted, with outcome `refused` where it certainly was not stored. */
  readonly signal?: AbortSignal | undefined;
}

/** What the log holds of a producer. */
export interface Resumed {
  readonly epoch: number;
  readonly lastSequence: number;
  /** Offset of its last record. */
  readonly lastOffset: number;
}

export class Producer {
  readonly id: bigint;
  /** Reads through the same connections; closed with this producer. */
  readonly client: LogClient;
  readonly #connection: Connection;
  readonly #queue: SendQueue;
  readonly #stamps = new ProducerStamps();
  /** Why nothing is sent until `resume()`. */
  #broken: ClientError | null = null;
  readonly #flights: Flights;
  #closed = false;
  #pumping = false;
  #paused = false;
  #resuming: Promise<Resumed | null> | null = null;

  constructor(options: ProducerOptions) {
    const {
      id = randomProducerId(),
      maxQueuedRecords = DEFAULT_MAX_QUEUED_RECORDS,
      maxQueuedBytes = DEFAULT_MAX_QUEUED_BYTES,
    } = options;
    if (id < 1n || id >= 2n ** 63n) throw new TypeError(`producer id ${id}: it takes 1 to 2^63-1`);
    this.id = id;
    this.client = new LogClient(options);
    this.#connection = this.client.connection;
    this.#queue = new SendQueue({ maxRecords: maxQueuedRecords, maxBytes: maxQueuedBytes }, BATCH_LIMITS);
    this.#flights = new Flights(id, this.#connection, this.#stamps, {
      landed: (parcel, stored) => {
        if (stored) this.#queue.reuse(parcel);
        this.#pumpSoon();
      },
      broken: (error) => this.#onBroken(error),
    });
  }

  /** Epoch of this producer, with which the next batch goes out. */
  get epoch(): number {
    return this.#stamps.epoch;
  }

  /**
   * Sends records as one, whole or not at all, after everything sent before. Resolves once a majority holds them; retries
   * for as long as it takes. Rejects with ClientError: queue-full, aborted, closed, a refusal of the loggers, or one of
   * sequence-gap, sequence-conflict, unknown-producer, producer-fenced, producer-moved, after which only `resume()` goes on.
   */
  send(records: Sendable | readonly Sendable[], options?: SendOptions): Promise<Acknowledgement> {
    const signal = options?.signal;
    try {
      if (this.#closed) throw new ClientError('closed', 'the producer is closed', { outcome: 'refused' });
      if (this.#broken) throw this.#refusedAs(this.#broken);
      if (signal?.aborted) throw aborted(signal, 'refused');
      const sent = this.#queue.add(records);
      if (signal !== undefined) this.#giveUpWith(signal, sent);
      this.#pumpSoon();
      return sent.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Apart from `send`, so that a send without a signal makes no closures. */
  #giveUpWith(signal: AbortSignal, sent: Sent): void {
    sent.watch(signal, (pending) =>
      this.#flights.abort(pending, signal.reason, (outcome) => aborted(signal, outcome)),
    );
  }

  /** True while `send` would refuse with queue-full. */
  get full(): boolean {
    return this.#queue.full;
  }

  /** Resolves when `send` has room for more. */
  room(): Promise<void> {
    return this.#queue.room();
  }

  /**
   * Asks the leader what the log holds of this producer (null: nothing), and begins a new epoch. Its first batch is stored only
   * if that is still the last one, and fences all older epochs then; otherwise it is refused with producer-moved. To be called after a restart with a kept id, and after a send failed with one of the codes named there.
   */
  resume({ signal }: SendOptions = {}): Promise<Resumed | null> {
    this.#resuming ??= this.#resume(signal).finally(() => {
      this.#resuming = null;
    });
    return this.#resuming;
  }

  async #resume(signal: AbortSignal | undefined): Promise<Resumed | null> {
    this.#paused = true;
    try {
      await this.#flights.landed;
      const known = await this.#known(signal);
      this.#stamps.beginEpochAfter(known);
      this.#broken = null;
      return known;
    } finally {
      this.#paused = false;
      this.#pumpSoon();
    }
  }

  /**
   * Takes no more, and closes all connections when everything sent is settled. `signal` gives up what is not by then;
   * without one this waits as long as there is no leader.
   */
  async close({ signal }: SendOptions = {}): Promise<void> {
    this.#closed = true;
    const giveUp = (): void => {
      this.#queue.rejectAll(aborted(signal, 'refused'));
      this.#flights.abortAll(signal?.reason);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted) giveUp();
    await this.#resuming?.catch(() => undefined); // its own caller is told
    while (!this.#queue.empty || this.#flights.count > 0) {
      this.#pump();
      await this.#flights.landed;
    }
    signal?.removeEventListener('abort', giveUp);
    await this.client.close();
  }

  /** A microtask later, so that sends made together share a request. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { count } = this.#flights;
    if (this.#paused || this.#broken || !this.#flights.hasRoom) return;
    if (count >= EAGER_FLIGHTS && !this.#queue.hasWhole) return;
    const parcel = this.#queue.take();
    if (parcel === null) return;
    this.#flights.launch(parcel);
    this.#pump();
  }

  /** The loggers and this producer disagree: what waits behind must not overtake what failed. */
  #onBroken(error: ClientError): void {
    this.#broken = error;
    this.#queue.rejectAll(this.#refusedAs(error));
  }

  async #known(signal: AbortSignal | undefined): Promise<Resumed | null> {
    const path = `/api/v1/producers/${this.id}`;
    const call = jsonCall<Resumed>(path, this.#connection, {
      epoch: isCount,
      lastSequence: isCount,
      lastOffset: isCount,
    });
    try {
      const { value } = await this.#connection.exchange(call, { signal, leaderOnly: true, repeatable: true });
      return value;
    } catch (error) {
      if (error instanceof ClientError && error.code === 'unknown-producer') return null;
      throw error;
    }
  }

  #refusedAs(error: ClientError): ClientError {
    return new ClientError(error.code, error.message, { outcome: 'refused', cause: error });
  }
}

const aborted = (signal: AbortSignal | undefined, outcome: 'refused' | 'unknown'): ClientError =>
  new ClientError('aborted', `given up: ${messageOf(signal?.reason)}`, { outcome, cause: signal?.reason });

function randomProducerId(): bigint {
  const id = BigInt.asUintN(63, randomBytes(8).readBigUInt64BE());
  return id === 0n ? 1n : id;
}
