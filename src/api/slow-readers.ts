// Closes connections whose client takes its answer too slowly. The stall timeout sees only those that take nothing: a client
// that takes a byte at a time would keep its place among the readers, and memory, for as long as it likes. What is waiting to
// be sent on a connection must therefore have gone to the kernel, all of it at once, within the drain timeout. It is a chunk
// or a record at most, so an honest client on a very slow line is far from that.
import type { Socket } from 'node:net';

export interface SlowReaderBounds {
  readonly drainTimeoutMs: number;
  readonly checkMs: number;
  readonly onSlowReader: () => void;
}

export class SlowReaders {
  readonly #bounds: SlowReaderBounds;
  /** Since when something has waited to be sent, as the checks saw it; none for a connection that has drained. */
  readonly #waitingSinceMs = new Map<Socket, number>();
  readonly #sockets = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;

  constructor(bounds: SlowReaderBounds) {
    this.#bounds = bounds;
  }

  watch(socket: Socket): void {
    this.#sockets.add(socket);
    // Between two checks it may have drained and filled again: a quick client that reads a long answer.
    socket.on('drain', () => this.#waitingSinceMs.delete(socket));
    socket.once('close', () => this.#forget(socket));
    this.#timer ??= setInterval(() => this.#check(performance.now()), this.#bounds.checkMs).unref();
  }

  #check(nowMs: number): void {
    for (const socket of this.#sockets) {
      const sinceMs = this.#waitingSinceMs.get(socket);
      if (socket.writableLength === 0) this.#waitingSinceMs.delete(socket);
      else if (sinceMs === undefined) this.#waitingSinceMs.set(socket, nowMs);
      else if (nowMs - sinceMs > this.#bounds.drainTimeoutMs) this.cut(socket);
    }
  }

  /** Counted where an answer was under way. */
  cut(socket: Socket): void {
    if (socket.writableLength > 0) this.#bounds.onSlowReader();
    socket.destroy();
  }

  #forget(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#waitingSinceMs.delete(socket);
    if (this.#sockets.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
