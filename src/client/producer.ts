// Sends records in order and exactly once. One request is in flight at a time, with all that has gathered meanwhile in it: so
// order needs no bookkeeping, and throughput comes from the size of the batches. A request whose outcome is unknown is
// repeated with the same id, epoch and sequence until a logger answers for it; the loggers store it once.
import { randomBytes } from 'node:crypto';
import type { AppendResult } from '../api/types.ts';
import { messageOf } from '../errors.ts';
import { appendCall } from './append-call.ts';
import type { Connection } from './connection.ts';
import { encodeRecords } from './encode.ts';
import { ClientError, endsProducerEpoch } from './errors.ts';
import { jsonCall, LogClient } from './log-client.ts';
import { ProducerStamps } from './producer-stamps.ts';
import { type Pending, SendQueue } from './send-queue.ts';
import type { Acknowledgement, ClientOptions, Sendable } from './types.ts';

const DEFAULT_MAX_QUEUED_RECORDS = 10_000;
const DEFAULT_MAX_QUEUED_BYTES = 16 * 1024 * 1024;
/** A request holds no more than this, unless a single send does. Well below the loggers' limits as they come. */
const BATCH_LIMITS = { maxRecords: 4_096, maxBytes: 1024 * 1024 };
/** A refusal for one of these may concern one send alone: the others of the request are tried without it. */
const CONTENT_CODES: readonly string[] = ['body-too-large', 'record-too-large', 'invalid-record'];

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
  #closed = false;
  #inFlight: readonly Pending[] = [];
  #flight = new AbortController();
  #pumping: Promise<void> | null = null;
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
    this.#queue = new SendQueue({ maxRecords: maxQueuedRecords, maxBytes: maxQueuedBytes });
  }

  /** Epoch of this producer, with which the next batch goes out. */
  get epoch(): number {
    return this.#stamps.epoch;
  }

  /**
   * Sends records as one, whole or not at all, after everything sent before. Resolves once a majority holds them; retries
   * for as long as it takes. Rejects with ClientError: queue-full, aborted, closed, a refusal of the loggers, or one of
   * sequence-gap, sequence-conflict, unknown-producer, producer-fenced, after which only `resume()` goes on.
   */
  async send(
    records: Sendable | readonly Sendable[],
    { signal }: SendOptions = {},
  ): Promise<Acknowledgement> {
    const { lines, count } = encodeRecords(records);
    if (this.#closed) throw new ClientError('closed', 'the producer is closed', { outcome: 'refused' });
    if (this.#broken) throw this.#refusedAs(this.#broken);
    if (signal?.aborted) throw aborted(signal, 'refused');
    const settled = this.#queue.add(lines, count, signal, (pending) => this.#onAbort(pending, signal));
    this.#pump();
    return settled;
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
   * Asks the leader what the log holds of this producer (null: nothing), and begins a new epoch, which fences all older
   * ones. To be called after a restart with a kept id, and after a send failed with one of the codes named there.
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
      await this.#pumping;
      const known = await this.#known(signal);
      this.#stamps.beginEpochAfter(known?.epoch ?? null);
      this.#broken = null;
      return known;
    } finally {
      this.#paused = false;
      this.#pump();
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
      this.#flight.abort(signal?.reason);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted) giveUp();
    await this.#resuming?.catch(() => undefined); // its own caller is told
    await this.#pumping;
    signal?.removeEventListener('abort', giveUp);
    await this.client.close();
  }

  /** One loop at a time; it starts a microtask later, so that sends made together share a request. */
  #pump(): void {
    if (this.#pumping || this.#paused) return;
    this.#pumping = Promise.resolve()
      .then(() => this.#deliverAll())
      .finally(() => {
        this.#pumping = null;
        if (!this.#queue.empty) this.#pump();
      });
  }

  async #deliverAll(): Promise<void> {
    while (!this.#queue.empty && !this.#paused) await this.#deliver(this.#queue.take(BATCH_LIMITS));
  }

  async #deliver(taken: readonly Pending[]): Promise<void> {
    const sends = taken.filter((pending) => !pending.settled);
    if (sends.length === 0) return;
    if (this.#broken) return rejectEach(sends, this.#refusedAs(this.#broken));
    const count = sends.reduce((sum, pending) => sum + pending.count, 0);
    const stamp = this.#stamps.next(count);
    if (stamp === null) return this.#break(sends, this.#exhausted());
    this.#inFlight = sends;
    this.#flight = new AbortController();
    try {
      const body = Buffer.concat(sends.map(({ lines }) => lines));
      const call = appendCall(this.#connection, { id: this.id, ...stamp }, body, count);
      const policy = { signal: this.#flight.signal, leaderOnly: true, repeatable: true };
      const { value, url, attempts } = await this.#connection.exchange(call, policy);
      this.#connection.acknowledged(url, value.epoch);
      this.#stamps.stored(count);
      acknowledgeEach(sends, value, attempts);
    } catch (error) {
      await this.#undelivered(sends, error as ClientError);
    } finally {
      this.#inFlight = [];
    }
  }

  async #undelivered(sends: readonly Pending[], error: ClientError): Promise<void> {
    if (endsProducerEpoch(error.code)) return this.#break(sends, error);
    if (error.outcome === 'refused' && CONTENT_CODES.includes(error.code) && sends.length > 1) {
      const half = Math.ceil(sends.length / 2);
      await this.#deliver(sends.slice(0, half));
      return this.#deliver(sends.slice(half));
    }
    // What may be stored later must not be: the next batch begins a new epoch, which fences this one.
    if (error.outcome === 'unknown') this.#stamps.abandon();
    rejectEach(sends, error);
  }

  /** The loggers and this producer disagree: what waits behind must not overtake what failed. */
  #break(sends: readonly Pending[], error: ClientError): void {
    this.#broken = error;
    rejectEach(sends, error);
    this.#queue.rejectAll(this.#refusedAs(error));
  }

  #onAbort(pending: Pending, signal: AbortSignal | undefined): void {
    const flying = this.#inFlight.includes(pending);
    const shared = this.#inFlight.some((other) => other !== pending && !other.settled);
    if (flying && !shared)
      this.#flight.abort(signal?.reason); // the call then ends, and knows whether anything was sent
    else pending.reject(aborted(signal, flying ? 'unknown' : 'refused'));
  }

  async #known(signal: AbortSignal | undefined): Promise<Resumed | null> {
    const path = `/api/v1/producers/${this.id}`;
    const call = jsonCall<Resumed>(path, this.#connection, ['epoch', 'lastSequence', 'lastOffset']);
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

  #exhausted(): ClientError {
    const message = `producer ${this.id} has used up its epochs: it needs a new id`;
    return new ClientError('epoch-exhausted', message, { outcome: 'refused' });
  }
}

function acknowledgeEach(sends: readonly Pending[], { offset, epoch }: AppendResult, attempts: number): void {
  let next = offset;
  for (const pending of sends) {
    pending.resolve({ offset: next, count: pending.count, epoch, attempts });
    next += pending.count;
  }
}

function rejectEach(sends: readonly Pending[], error: ClientError): void {
  for (const pending of sends) pending.reject(error);
}

const aborted = (signal: AbortSignal | undefined, outcome: 'refused' | 'unknown'): ClientError =>
  new ClientError('aborted', `given up: ${messageOf(signal?.reason)}`, { outcome, cause: signal?.reason });

function randomProducerId(): bigint {
  const id = BigInt.asUintN(63, randomBytes(8).readBigUInt64BE());
  return id === 0n ? 1n : id;
}
