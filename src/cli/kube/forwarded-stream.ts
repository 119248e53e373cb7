// One connection to a port of a pod, through the API server and the pod's kubelet: what `kubectl port-forward` does, but
// without a port on this machine. Each connection is a WebSocket of its own, as the protocol has it.
import { Duplex, Readable, Writable } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '../../kubernetes/connection.ts';

export interface ForwardTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** What is used of a WebSocket of the package `ws`. */
interface WebSocketLike {
  send(data: Buffer, sent: (error?: Error) => void): void;
  pause(): void;
  resume(): void;
  terminate(): void;
  on(event: 'close', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
}

/** The channel of the data of the first port; that of its errors is 1. */
const DATA_CHANNEL = Buffer.from([0]);

/** The API server answered, and did not open the forward. */
export class ForwardRefused extends Error {
  override readonly name = 'ForwardRefused';
  readonly status: number;
  constructor(status: number, pod: string) {
    super(`the API server answers ${status} to a port-forward to pod ${pod}`);
    this.status = status;
  }
}

/** Rejects with ForwardRefused, with the reason of `signal`, or with whatever kept the connection from being made. */
export async function forward(
  client: Client,
  kubeConfig: KubeConfig,
  { namespace, pod, port }: ForwardTarget,
  signal: AbortSignal,
): Promise<Duplex> {
  signal.throwIfAborted();
  const stream = new ForwardedStream(pod);
  // It may break before whoever asked for it listens, who sees then that it is destroyed.
  stream.on('error', () => {});
  const opening = new client.PortForward(kubeConfig)
    .portForward(namespace, pod, [port], stream.incoming, stream.complaints, stream.noInput)
    .then(
      (socket) => {
        stream.attach(socket as unknown as WebSocketLike);
        return stream;
      },
      (event: unknown) => {
        throw refusalIn(event, pod);
      },
    );
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    stream.destroy();
    aborted.reject(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([opening, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    opening.catch(() => {}); // after an abort nobody waits for it
  }
}

/** `ws` tells the status in a sentence, and gives an event in place of an error. */
function refusalIn(event: unknown, pod: string): Error {
  const message = String((event as { message?: unknown }).message ?? event);
  const status = /unexpected server response: (\d{3})/i.exec(message)?.[1];
  return status === undefined
    ? new Error(message, { cause: event })
    : new ForwardRefused(Number(status), pod);
}

class ForwardedStream extends Duplex {
  readonly #pod: string;
  #socket: WebSocketLike | null = null;

  constructor(pod: string) {
    super({ allowHalfOpen: false });
    this.#pod = pod;
  }

  /** The parts that PortForward writes into and reads from. */
  readonly incoming = new Writable({
    write: (chunk: Buffer, _, done) => {
      // Nobody reads it as fast as it comes: the connection is to wait.
      if (!this.destroyed && !this.push(chunk)) this.#socket?.pause();
      done();
    },
  });
  readonly complaints = new Writable({
    write: (chunk: Buffer, _, done) => {
      const text = chunk.toString('utf8').trim();
      if (text !== '') this.destroy(new Error(`port-forward to pod ${this.#pod}: ${text}`));
      done();
    },
  });
  /** PortForward sends what it reads here without ever waiting; `_writev` sends by itself, and waits. */
  readonly noInput = new Readable({ read: () => {} });

  attach(socket: WebSocketLike): void {
    if (this.destroyed) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    socket.on('close', () => void this.push(null));
    socket.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _writev(
    chunks: readonly { chunk: Buffer | string; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const parts = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    if (this.#socket === null) done(new Error(`the port-forward to pod ${this.#pod} is not open`));
    else this.#socket.send(Buffer.concat([DATA_CHANNEL, ...parts]), (error) => done(error ?? null));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket?.terminate();
    done(error);
  }
}
