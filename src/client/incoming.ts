// One answer as it comes in, straight from undici's dispatch: most answers are a head and a few bytes, for which a stream and a
// promise for each chunk cost more than the bytes do. Whoever reads slowly stops the connection, not the memory.
import type { Dispatcher } from 'undici';

/** Chunks that nobody has taken yet: beyond this the connection is not read. */
const HELD_BYTES_MAX = 64 * 1024;

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The request was sent more than once: an earlier sending, left without an answer, may have been carried out too. */
  readonly resent: boolean;
  /** Consumed within the request's deadline, once. Throws what broke it off. */
  readonly body: AsyncIterable<Buffer>;
}

type Controller = Dispatcher.DispatchController;

/** No connection: the request was never sent. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
}

export class Incoming implements Dispatcher.DispatchHandler, AsyncIterable<Buffer> {
  readonly #head = Promise.withResolvers<HttpResponse>();
  #controller: Controller | null = null;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #begun = false;
  /** How often its sending began. */
  #starts = 0;
  #ended = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  /** Rejects with what broke the request off before its head was there. */
  get head(): Promise<HttpResponse> {
    return this.#head.promise;
  }

  /** Answered to the end, or failed. */
  get over(): boolean {
    return this.#ended || this.#error !== null;
  }

  /** Ends the request, unless it is over: nothing more is sent of it, and its connection is closed. */
  breakOff(reason: Error): void {
    if (this.over) return;
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    for (;;) {
      const chunks = this.#take();
      yield* chunks;
      if (chunks.length > 0) continue;
      if (this.#error) throw this.#error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(): Buffer[] {
    const chunks = this.#chunks;
    if (chunks.length === 0) return chunks;
    this.#chunks = [];
    this.#heldBytes = 0;
    this.#controller?.resume();
    return chunks;
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#head.reject(error);
    this.#wake?.();
  }

  /** Again for a pipelined request that is sent again: even when it was being answered, if another one closed the connection. */
  onRequestStart(controller: Controller): void {
    this.#starts += 1;
    this.#controller = controller;
    if (this.#error) controller.abort(this.#error);
    else if (this.#begun) this.breakOff(new Error('the connection broke in the middle of an answer'));
  }

  onResponseStart(_controller: Controller, status: number, headers: HttpResponse['headers']): void {
    if (status < 200) return;
    this.#begun = true;
    this.#head.resolve({ status, headers, resent: this.#starts > 1, body: this });
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > HELD_BYTES_MAX) controller.pause();
    this.#wake?.();
  }

  onResponseEnd(): void {
    this.#ended = true;
    this.#wake?.();
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.#error) return;
    // A pipelined request waits for the next connection when its first one breaks: that there is none does not unsend it.
    if (this.#starts > 0 && error instanceof ConnectError)
      this.#fail(new Error(`the connection broke; then ${error.message}`, { cause: error }));
    else this.#fail(error);
  }
}
