// HTTP with deadlines of our own: undici's timers are coarse (half a second), and a dead node must be noticed sooner. Every
// failure says whether the request can have reached the server.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Agent, buildConnector } from 'undici';
import { ConnectError, type HttpResponse, Incoming } from './incoming.ts';
import { linked } from './linked.ts';
import { type Access, accessOf } from './settings.ts';
import type { Dial } from './types.ts';

/** Below the loggers' own keep-alive timeout, so that it is mostly the client that closes an idle connection. */
const KEEP_ALIVE_MS = 30_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** Base URLs that are kept taken apart. */
const BASES_MAX = 64;
/** Pipelined requests without an answer. */
export const PIPELINED_MAX = 5;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Path and query below the base URL. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** It goes to a logger, so that the loggers' token may go with it. */
  readonly toLogger?: boolean;
  /**
   * Goes out behind the requests of its kind that are not answered yet, on the one connection that is kept for them, in the
   * order made. Only for what may be repeated: when the connection breaks, those without an answer are sent again.
   */
  readonly pipelined?: boolean;
}

export { ConnectError, type HttpResponse } from './incoming.ts';

/** The deadline passed without a whole answer. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

interface BaseParts {
  readonly origin: string;
  /** Path without a slash at its end. */
  readonly prefix: string;
}

export class Http {
  readonly #agent: Agent;
  readonly #pipeline: Agent;
  readonly #access: Access;
  readonly #bases = new Map<string, BaseParts>();

  /** The token goes with every request to a logger. */
  constructor(connectTimeoutMs: number, access: Access = accessOf({}), dial: Dial | null = null) {
    this.#access = access;
    const connector = connectorOf(access);
    const options = {
      connect: dial
        ? dialWithin(connector, connectTimeoutMs, dial)
        : connectWithin(connector, connectTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    this.#agent = new Agent(options);
    this.#pipeline = new Agent({ ...options, connections: 1, pipelining: PIPELINED_MAX });
  }

  /**
   * Sends one request and lets `consume` read the answer. Rejects with ConnectError, TimeoutError, the reason of `signal`
   * or whatever broke the connection; a request that was broken off has its connection closed.
   */
  async request<T>(
    base: string,
    { method, path, headers: given, body, pipelined = false, toLogger = false }: HttpRequest,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
    consume: (response: HttpResponse) => Promise<T>,
  ): Promise<T> {
    const { origin, prefix } = this.#partsOf(base);
    const token = toLogger ? this.#access.token() : '';
    const headers = token === '' ? given : { ...given, authorization: `Bearer ${token}` };
    const incoming = new Incoming();
    const late = (): void =>
      incoming.breakOff(new TimeoutError(`no whole answer from ${base} in ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs);
    const giveUp = (): void => incoming.breakOff(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      (pipelined ? this.#pipeline : this.#agent).dispatch(
        {
          origin,
          method,
          path: prefix + path,
          ...(headers && { headers }),
          ...(body && { body }),
          // Not `blocking`: others may follow before this one is answered.
          ...(pipelined && { idempotent: true, blocking: false }),
        },
        incoming,
      );
      return await consume(await incoming.head);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      // What `consume` left unread is not waited for. (An error has a stack, which costs more than the question.)
      if (!incoming.over) incoming.breakOff(new Error('the rest of the answer is not wanted'));
    }
  }

  /** Few bases are ever asked, and each again and again. */
  #partsOf(base: string): BaseParts {
    let parts = this.#bases.get(base);
    if (!parts) {
      const { origin, pathname } = new URL(base);
      parts = { origin, prefix: pathname.replace(/\/$/, '') };
      if (this.#bases.size >= BASES_MAX) this.#bases.clear();
      this.#bases.set(base, parts);
    }
    return parts;
  }

  /** Closes every connection at once. */
  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#pipeline.destroy()]);
  }
}

type Connector = () => buildConnector.connector;

/** Made anew when the authorities are others. */
function connectorOf({ ca }: Access): Connector {
  let made: { readonly ca: string | undefined; readonly connect: buildConnector.connector } | null = null;
  // Each has TLS sessions of its own, so that one begun under other authorities is not resumed.
  return () => {
    const now = ca();
    if (made === null || made.ca !== now)
      made = {
        ca: now,
        connect: buildConnector({ timeout: 0, allowH2: false, ...(now !== undefined && { ca: now }) }),
      };
    return made.connect;
  };
}

function connectWithin(connector: Connector, timeoutMs: number): buildConnector.connector {
  return (options, callback) => {
    const where = `${options.hostname}:${options.port || options.protocol.replace(':', '')}`;
    // The connector returns its socket, though its type does not say so.
    const socket = connector()(options, (...[error, connected]) => {
      clearTimeout(timer);
      if (error === null) callback(null, connected);
      else callback(new ConnectError(`no connection to ${where}: ${error.message}`, { cause: error }), null);
    }) as unknown as { destroy(error: Error): void };
    const timer = setTimeout(() => socket.destroy(new Error(`none within ${timeoutMs} ms`)), timeoutMs);
  };
}

/** As `connectWithin`, over what `dial` opens. */
function dialWithin(connector: Connector, timeoutMs: number, dial: Dial): buildConnector.connector {
  return (options, callback) => {
    const { hostname, port, protocol } = options;
    const number = Number(port || (protocol === 'https:' ? 443 : 80));
    const late = Promise.withResolvers<never>();
    const deadline = linked([], timeoutMs, () => new Error(`none within ${timeoutMs} ms`));
    deadline.signal.addEventListener('abort', () => late.reject(deadline.signal.reason), { once: true });
    const opening = opened(connector(), options, () => dial(hostname, number, deadline.signal));
    Promise.race([opening, late.promise])
      .finally(deadline.release)
      .then((socket) => {
        // From here on undici listens.
        if (socket.destroyed) throw socket.errored ?? new Error('closed at once');
        return socket;
      })
      .then(
        (socket) => callback(null, socket),
        (cause: Error) => {
          // One that comes too late is for nobody.
          opening.then(
            (socket) => socket.destroy(),
            () => {},
          );
          callback(
            new ConnectError(`no connection to ${hostname}:${number}: ${cause.message}`, { cause }),
            null,
          );
        },
      );
  };
}

/** What was dialled, with TLS on top where the URL asks for it; undici takes any stream for a socket. */
async function opened(
  connect: buildConnector.connector,
  options: buildConnector.Options,
  dial: () => Promise<Duplex>,
): Promise<Socket> {
  const stream = (await dial()) as Socket;
  // It may break before anybody listens.
  stream.on('error', () => {});
  if (options.protocol !== 'https:') return stream;
  return await new Promise((resolve, reject) =>
    connect({ ...options, httpSocket: stream }, (...[error, socket]) =>
      error === null ? resolve(socket) : reject(error),
    ),
  );
}

/** The whole body. Rejects when it is longer than `maxBytes`. */
export async function readBody({ body }: HttpResponse, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

export const headerOf = ({ headers }: Pick<HttpResponse, 'headers'>, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
};
