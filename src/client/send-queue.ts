// What was handed to a producer and is not settled yet, in order and bounded. The bound counts what is in flight too, so it
// is the memory that a producer can hold, whatever the loggers do.
import { ClientError } from './errors.ts';
import type { Acknowledgement } from './types.ts';

export interface QueueLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** One call of `send`, until it is settled. */
export interface Pending {
  readonly lines: Buffer;
  readonly count: number;
  settled: boolean;
  resolve(acknowledgement: Acknowledgement): void;
  reject(error: ClientError): void;
}

export class SendQueue {
  readonly #limits: QueueLimits;
  #waiting: Pending[] = [];
  #records = 0;
  #bytes = 0;
  #roomWaiters: (() => void)[] = [];

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  get full(): boolean {
    return this.#records >= this.#limits.maxRecords || this.#bytes >= this.#limits.maxBytes;
  }

  /**
   * Adds a send and resolves when it is settled. `onAbort` is called when its signal settled it, which leaves open
   * whether it is on its way already.
   */
  add(lines: Buffer, count: number, signal: AbortSignal | undefined, onAbort: (pending: Pending) => void) {
    if (this.full) throw new ClientError('queue-full', 'too much waits to be sent', { outcome: 'refused' });
    return new Promise<Acknowledgement>((resolve, reject) => {
      const abort = (): void => onAbort(pending);
      const settle = (): boolean => {
        if (pending.settled) return false;
        pending.settled = true;
        signal?.removeEventListener('abort', abort);
        this.#release(pending);
        return true;
      };
      const pending: Pending = {
        lines,
        count,
        settled: false,
        resolve: (acknowledgement) => settle() && resolve(acknowledgement),
        reject: (error) => settle() && reject(error),
      };
      this.#records += count;
      this.#bytes += lines.length;
      this.#waiting.push(pending);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The next sends, as many as fit a request; at least one where there is one. */
  take(limits: QueueLimits): Pending[] {
    const taken: Pending[] = [];
    let records = 0;
    let bytes = 0;
    let looked = 0;
    for (const pending of this.#waiting) {
      records += pending.settled ? 0 : pending.count;
      bytes += pending.settled ? 0 : pending.lines.length;
      if (taken.length > 0 && (records > limits.maxRecords || bytes > limits.maxBytes)) break;
      if (!pending.settled) taken.push(pending);
      looked += 1;
    }
    this.#waiting = this.#waiting.slice(looked);
    return taken;
  }

  rejectAll(error: ClientError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const pending of waiting) pending.reject(error);
  }

  /** Resolves when there is room. What is rejected makes room too, so this ends with the producer at the latest. */
  async room(): Promise<void> {
    while (this.full) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
  }

  #release({ count, lines }: Pending): void {
    this.#records -= count;
    this.#bytes -= lines.length;
    if (this.full) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
  }
}
