// HTTP with deadlines of our own: undici's timers are coarse (half a second), and a dead node must be noticed sooner. Every
// failure says whether the request can have reached the server.

import type { Readable } from 'node:stream';
import { Agent, buildConnector } from 'undici';
import { linked } from './linked.ts';
import { type Access, accessOf } from './settings.ts';

/** Below the loggers' own keep-alive timeout, so that it is mostly the client that closes an idle connection. */
const KEEP_ALIVE_MS = 30_000;
const MAX_HEADER_BYTES = 16 * 1024;
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

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Consumed within the request's deadline. */
  readonly body: Readable;
}

/** No connection: the request was never sent. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
}

/** The deadline passed without a whole answer. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

export class Http {
  readonly #agent: Agent;
  readonly #pipeline: Agent;
  readonly #access: Access;

  /** The token goes with every request to a logger. */
  constructor(connectTimeoutMs: number, access: Access = accessOf({})) {
    this.#access = access;
    const options = {
      connect: connectWithin(connectTimeoutMs, access),
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
    const { origin, pathname } = new URL(base);
    const token = toLogger ? this.#access.token() : '';
    const headers = token === '' ? given : { ...given, authorization: `Bearer ${token}` };
    const link = linked(
      [signal],
      timeoutMs,
      () => new TimeoutError(`no whole answer from ${base} in ${timeoutMs} ms`),
    );
    try {
      const response = await (pipelined ? this.#pipeline : this.#agent).request({
        origin,
        method,
        path: pathname.replace(/\/$/, '') + path,
        ...(headers && { headers }),
        ...(body && { body }),
        // Not `blocking`: others may follow before this one is answered.
        ...(pipelined && { idempotent: true, blocking: false }),
        signal: link.signal,
      });
      try {
        return await consume({
          status: response.statusCode,
          headers: response.headers,
          body: response.body,
        });
      } finally {
        // What `consume` left unread is not waited for: its connection is closed, and the stream reports just that. A
        // body that was read to its end is destroyed already.
        response.body.on('error', () => {}).destroy();
      }
    } catch (error) {
      // A body cut off by the signal fails with an error of its own: the signal's reason says more.
      throw link.signal.aborted ? link.signal.reason : error;
    } finally {
      link.release();
    }
  }

  /** Closes every connection at once. */
  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#pipeline.destroy()]);
  }
}

function connectWithin(timeoutMs: number, { ca }: Access): buildConnector.connector {
  let made: { readonly ca: string | undefined; readonly connect: buildConnector.connector } | null = null;
  // Each has TLS sessions of its own, so that one begun under other authorities is not resumed.
  const connector = (): buildConnector.connector => {
    const now = ca();
    if (made === null || made.ca !== now)
      made = {
        ca: now,
        connect: buildConnector({ timeout: 0, allowH2: false, ...(now !== undefined && { ca: now }) }),
      };
    return made.connect;
  };
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

/** The whole body. Rejects when it is longer than `maxBytes`. */
export async function readBody({ body }: HttpResponse, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

export const headerOf = ({ headers }: HttpResponse, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
};
