// Counted resources that run out with an answer instead of with the memory: bytes of request bodies, and places for readers.
import type { ServerResponse } from 'node:http';
import { LoggerError } from '../errors.ts';

/** Bytes of all request bodies that are being received or belong to an append not yet answered. */
export class ByteBudget {
  readonly #limitBytes: number;
  /** Never above the limit, never below 0. */
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Takes `bytes` until `release`, or refuses with `overloaded` and takes nothing. */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.#limitBytes)
      throw new LoggerError('overloaded', 'the request bodies at hand fill the memory set aside for them');
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

/** Readers in progress, each with a signal that is aborted when its client leaves or the API closes. */
export class Readers {
  readonly #limit: number;
  readonly #what: string;
  readonly #onCount: (count: number) => void;
  readonly #active = new Set<AbortController>();
  #stopped = false;

  constructor(limit: number, what: string, onCount: (count: number) => void = () => {}) {
    this.#limit = limit;
    this.#what = what;
    this.#onCount = onCount;
  }

  /** Takes a place for as long as `response` is open. Throws too-many-requests when there is none. */
  enter(response: ServerResponse): AbortSignal {
    if (this.#active.size >= this.#limit)
      throw new LoggerError('too-many-requests', `${this.#limit} ${this.#what} are open already`);
    const controller = new AbortController();
    // A response that is closed already would never give its place back.
    if (this.#stopped || response.closed) controller.abort();
    if (response.closed) return controller.signal;
    this.#active.add(controller);
    // No client that waits ends its side: this one has left, or wants what there is now.
    const { socket } = response;
    const leave = (): void => controller.abort();
    if (socket?.readableEnded) leave();
    socket?.once('end', leave);
    this.#onCount(this.#active.size);
    response.once('close', () => {
      this.#active.delete(controller);
      socket?.off('end', leave);
      this.#onCount(this.#active.size);
      controller.abort();
    });
    return controller.signal;
  }

  /** Ends every wait, now and from now on. */
  stop(): void {
    this.#stopped = true;
    for (const controller of this.#active) controller.abort();
  }
}
