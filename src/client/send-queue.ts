// What was handed to a producer and is not settled yet, in order and bounded. Records are written into batches as they come; a
// batch is closed when it is large enough, or taken as it is when the producer has a request to spare. The bounds count what
// is in flight too, so they are the memory that a producer can hold, whatever the loggers do.
import { BatchBuilder, type Span } from './batch-builder.ts';
import { ClientError } from './errors.ts';
import type { Acknowledgement, Sendable } from './types.ts';

export interface QueueLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** One call of `send`, until it is settled. */
export interface Pending {
  /** Where its records are in the batch that it is part of. */
  span: Span;
  settled: boolean;
  resolve(acknowledgement: Acknowledgement): void;
  reject(error: ClientError): void;
}

/** Sends that go out as one batch. */
export interface Parcel {
  readonly builder: BatchBuilder;
  readonly sends: readonly Pending[];
}

/** Memory of batches that is kept for the next ones: fresh memory costs more than what is written into it. */
const KEPT_MAX = 8;
const KEPT_BYTES_MIN = 64 * 1024;

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

  /**
   * Adds a send and resolves when it is settled. `onAbort` is called when its signal settled it, which leaves open
   * whether it is on its way already. Throws TypeError as `BatchBuilder.add`.
   */
  add(
    records: Sendable | readonly Sendable[],
    signal: AbortSignal | undefined,
    onAbort: (pending: Pending) => void,
  ): Promise<Acknowledgement> {
    if (this.full) throw new ClientError('queue-full', 'too much waits to be sent', { outcome: 'refused' });
    let span = this.#builder.add(records);
    if (this.#isOver && this.#sends.length > 0) {
      this.#builder.undo(span);
      this.#close();
      span = this.#builder.add(records);
    }
    return new Promise<Acknowledgement>((resolve, reject) => {
      const pending = new Sent(this, span, resolve, reject);
      if (signal) pending.watch(signal, onAbort);
      this.#records += span.count;
      this.#bytes += span.to - span.from;
      this.#sends.push(pending);
      if (this.#isOver) this.#close();
    });
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
    const { memory } = builder;
    if (memory.length >= KEPT_BYTES_MIN && this.#kept.length < KEPT_MAX) this.#kept.push(memory);
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
  release({ count, from, to }: Span): void {
    this.#records -= count;
    this.#bytes -= to - from;
    if (this.#roomWaiters.length === 0 || this.full) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
  }
}

class Sent implements Pending {
  readonly #queue: SendQueue;
  readonly #resolve: (acknowledgement: Acknowledgement) => void;
  readonly #reject: (error: ClientError) => void;
  /** As it was counted; `span` moves when the send moves to another batch. */
  readonly #counted: Span;
  #unwatch: (() => void) | null = null;
  span: Span;
  settled = false;

  constructor(
    queue: SendQueue,
    span: Span,
    resolve: (acknowledgement: Acknowledgement) => void,
    reject: (error: ClientError) => void,
  ) {
    this.#queue = queue;
    this.#counted = span;
    this.span = span;
    this.#resolve = resolve;
    this.#reject = reject;
  }

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
    if (this.settled) return false;
    this.settled = true;
    this.#unwatch?.();
    this.#queue.release(this.#counted);
    return true;
  }
}

const withoutSettled = (parcel: Parcel): Parcel =>
  parcel.sends.some(({ settled }) => settled) ? parcelOf(parcel, ({ settled }) => !settled) : parcel;

/** A batch of some of the sends of another one. */
export function parcelOf(
  { builder, sends }: Parcel,
  keep: (pending: Pending, index: number) => boolean,
): Parcel {
  const kept = sends.filter(keep);
  const copied = new BatchBuilder();
  for (const pending of kept) pending.span = copied.copy(builder, pending.span);
  return { builder: copied, sends: kept };
}
