// What was handed to a producer and is not settled yet, in order and bounded. Records are written into batches as they come; a
// batch is closed when it is large enough, or taken as it is when the producer has a request to spare. The bounds count what
// is in flight too, so they are the memory that a producer can hold, whatever the loggers do.
import { BatchBuilder } from './batch-builder.ts';
import { ClientError } from './errors.ts';
import type { Acknowledgement, Sendable } from './types.ts';

export interface QueueLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** One call of `send`, until it is settled. */
export interface Pending {
  /** Where its records begin in the bytes of the batch that it is part of. */
  from: number;
  readonly count: number;
  readonly settled: boolean;
  resolve(acknowledgement: Acknowledgement): void;
  reject(error: ClientError): void;
}

/** Sends that go out as one batch. */
export interface Parcel {
  readonly builder: BatchBuilder;
  readonly sends: readonly Pending[];
}

/** Memory of batches that is kept for the next ones: fresh memory costs more than what is written into it, and brings collections on. */
const KEPT_MAX = 8;

export class SendQueue {
  readonly #limits: QueueLimits;
  /** Bounds of one batch, which a single send may exceed. */
  readonly #batch: QueueLimits;
  #closed: Parcel[] = [];
  #builder: BatchBuilder;
  #sends: Pending[] = [];
  #records = 0;
  #bytes = 0;
  #roomWaiters: (() => void)[] = [];
  readonly #kept: Buffer[] = [];

  constructor(limits: QueueLimits, batch: QueueLimits) {
    this.#limits = limits;
    this.#batch = batch;
    this.#builder = new BatchBuilder();
  }

  get empty(): boolean {
    return this.#sends.length === 0 && this.#closed.length === 0;
  }

  /** A batch waits that takes no more. */
  get hasWhole(): boolean {
    return this.#closed.length > 0;
  }

  get full(): boolean {
    return this.#records >= this.#limits.maxRecords || this.#bytes >= this.#limits.maxBytes;
  }

  /** Adds a send; its `promise` is settled with it. Throws TypeError as `BatchBuilder.add`. */
  add(records: Sendable | readonly Sendable[]): Sent {
    if (this.full) throw new ClientError('queue-full', 'too much waits to be sent', { outcome: 'refused' });
    let from = this.#builder.sizeBytes;
    let count = this.#builder.add(records);
    if (this.#isOver && this.#sends.length > 0) {
      this.#builder.undo({ from, count });
      this.#close();
      from = this.#builder.sizeBytes;
      count = this.#builder.add(records);
    }
    const bytes = this.#builder.sizeBytes - from;
    const pending = new Sent(this, from, count, bytes);
    this.#records += count;
    this.#bytes += bytes;
    this.#sends.push(pending);
    if (this.#isOver) this.#close();
    return pending;
  }

  get #isOver(): boolean {
    return this.#builder.sizeBytes > this.#batch.maxBytes || this.#builder.count > this.#batch.maxRecords;
  }

  #close(): void {
    const builder = this.#builder;
    this.#closed.push({ builder, sends: this.#sends });
    this.#sends = [];
    this.#builder = new BatchBuilder(this.#kept.pop());
  }

  /** The next batch, whole or not; null when there is none. Sends that are settled already are left out. */
  take(): Parcel | null {
    while (!this.empty) {
      if (this.#closed.length === 0) this.#close();
      const parcel = withoutSettled(this.#closed.shift() as Parcel);
      if (parcel.sends.length > 0) return parcel;
    }
    return null;
  }

  /** Nobody reads the bytes of this batch any more. */
  reuse({ builder }: Parcel): void {
    if (this.#kept.length < KEPT_MAX) this.#kept.push(builder.memory);
  }

  rejectAll(error: ClientError): void {
    if (this.#sends.length > 0) this.#close();
    const closed = this.#closed;
    this.#closed = [];
    for (const { sends } of closed) for (const pending of sends) pending.reject(error);
  }

  /** Resolves when there is room. What is rejected makes room too, so this ends with the producer at the latest. */
  async room(): Promise<void> {
    while (this.full) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
  }

  /** @internal For sends that are settled. */
  release(records: number, bytes: number): void {
    this.#records -= records;
    this.#bytes -= bytes;
    if (this.#roomWaiters.length === 0 || this.full) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
  }
}

let takenResolve: (acknowledgement: Acknowledgement) => void;
let takenReject: (error: ClientError) => void;

/** One for all promises: a closure for each would be one object more for each record. */
const take = (resolve: typeof takenResolve, reject: typeof takenReject): void => {
  takenResolve = resolve;
  takenReject = reject;
};

/** There is one for each record, a hundred thousand at a time: what it holds is what the collector copies. */
export class Sent implements Pending {
  readonly promise: Promise<Acknowledgement>;
  readonly count: number;
  from: number;
  readonly #queue: SendQueue;
  /** As they were counted; they may take a byte more or less in another batch. */
  readonly #bytes: number;
  readonly #resolve: (acknowledgement: Acknowledgement) => void;
  readonly #reject: (error: ClientError) => void;
  #unwatch: (() => void) | null = null;
  #settled = false;

  constructor(queue: SendQueue, from: number, count: number, bytes: number) {
    this.promise = new Promise(take);
    this.#resolve = takenResolve;
    this.#reject = takenReject;
    this.#queue = queue;
    this.from = from;
    this.count = count;
    this.#bytes = bytes;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** `onAbort` is called when the signal is aborted before this is settled, which leaves open whether it is on its way already. */
  watch(signal: AbortSignal, onAbort: (pending: Pending) => void): void {
    const abort = (): void => onAbort(this);
    signal.addEventListener('abort', abort, { once: true });
    this.#unwatch = () => signal.removeEventListener('abort', abort);
  }

  resolve(acknowledgement: Acknowledgement): void {
    if (this.#settle()) this.#resolve(acknowledgement);
  }

  reject(error: ClientError): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#unwatch?.();
    this.#queue.release(this.count, this.#bytes);
    return true;
  }
}

/** Mostly the parcel itself: a signal is rare, and a loop costs less than a call for each send. */
function withoutSettled(parcel: Parcel): Parcel {
  for (const { settled } of parcel.sends) if (settled) return parcelOf(parcel, (one) => !one.settled);
  return parcel;
}

/** A batch of some of the sends of another one. */
export function parcelOf(
  { builder, sends }: Parcel,
  keep: (pending: Pending, index: number) => boolean,
): Parcel {
  const kept = sends.filter(keep);
  const copied = new BatchBuilder();
  for (const pending of kept) pending.from = copied.copy(builder, pending);
  return { builder: copied, sends: kept };
}
