// One Consul server through the npm package `consul`. What the package leaves open is settled here: every call has a
// deadline and can be cancelled (without a deadline, an answer that breaks off after its header would never settle), and
// its several kinds of errors become one, which says whether the request may have been carried out.

import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import Consul from 'consul';
import { messageOf } from '../errors.ts';
import { Agent as HttpAgent } from '../node-http.ts';
import { withoutUserInfo } from '../user-info.ts';
import type { CallOptions } from './client.ts';
import { ConsulError } from './errors.ts';

/** Options that every call of the package takes, though its types leave most of them out. */
interface CommonOptions {
  readonly ctx: EventEmitter;
  readonly timeout: number;
  readonly token?: string;
}

/** A body is JSON, text, or absent. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  /** X-Consul-Index; 0 when there is none. */
  readonly index: number;
}

/** What runs for each answer before the package looks at it; missing in its types. */
type Middleware = (request: unknown, next: (error?: unknown) => void) => void;
interface Extensible {
  _ext(event: 'onResponse', run: Middleware): void;
}

/**
 * The package reads the fields of what is no object. It does so in an event of the connection, where nobody catches what it
 * throws: the call would never settle, and the process would end.
 */
const rejectStumbles: Middleware = (_request, next) => {
  try {
    next();
  } catch (error) {
    next(Object.assign(error as Error, { isCodec: true }));
  }
};

interface ResponseError extends Error {
  readonly response: IncomingMessage & { readonly body?: unknown };
}

const quotedChars = 200;
/** How OpenSSL names what is wrong with a certificate. */
const DISTRUST = /^(UNABLE_TO_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA$|HOSTNAME_MISMATCH$)/;
const AGENT = { keepAlive: true } as const;

/** What may change while the program runs, asked for each call. */
export interface ConsulAccess {
  /** ACL token; empty for none. */
  readonly token: () => string;
  /** Authorities to trust for an https:// URL, in PEM; undefined: those that Node knows. */
  readonly ca: () => string | undefined;
}

/** The package gives Node the host as a URL has it: an IPv6 address in brackets, which Node takes for a name and looks up. */
function withBareHost(text: string): URL {
  const url = new URL(text);
  return Object.defineProperty(url, 'hostname', { value: url.hostname.replace(/^\[|\]$/g, '') });
}

export class ConsulEndpoint {
  /** For people: without a user name and password. */
  readonly url: string;
  readonly #baseUrl: string;
  readonly #access: ConsulAccess;
  /** Keeps connections apart by the authorities with which they were made. */
  readonly #agent: HttpAgent;
  #library: { readonly ca: string | undefined; readonly consul: Consul } | null = null;

  constructor(url: string, access: ConsulAccess) {
    this.url = withoutUserInfo(url);
    this.#baseUrl = url;
    this.#access = access;
    this.#agent = url.startsWith('https:') ? new HttpsAgent(AGENT) : new HttpAgent(AGENT);
  }

  /** The package takes authorities when it is made, so it is made anew with others. */
  #consul(): Consul {
    const ca = this.#access.ca();
    if (this.#library === null || this.#library.ca !== ca) {
      // `baseUrl` is missing in its types, but only this knows of https and paths.
      const options = {
        baseUrl: withBareHost(`${this.#baseUrl}/v1`),
        agent: this.#agent,
        ...(ca !== undefined && { ca }),
      };
      const consul = new Consul(options as ConstructorParameters<typeof Consul>[0]);
      (consul as unknown as Extensible)._ext('onResponse', rejectStumbles);
      this.#library = { ca, consul };
    }
    return this.#library.consul;
  }

  /** Runs one call of the package and answers with body and index; rejects with ConsulError. */
  async call(
    { timeoutMs, signal }: CallOptions,
    run: (library: Consul, common: CommonOptions) => Promise<unknown>,
  ): Promise<Reply> {
    if (signal?.aborted) throw this.#cancelled();
    const ctx = Object.assign(new EventEmitter(), { includeResponse: true });
    const cancel = () => ctx.emit('cancel');
    signal?.addEventListener('abort', cancel, { once: true });
    const current = this.#access.token();
    const token = current === '' ? {} : { token: current };
    try {
      // With `includeResponse` the package resolves to a pair, which its types do not know.
      const [response, body] = (await run(this.#consul(), { ctx, timeout: timeoutMs, ...token })) as [
        IncomingMessage,
        unknown,
      ];
      const index = Number(response.headers['x-consul-index'] ?? 0);
      return { status: response.statusCode ?? 0, body, index };
    } catch (error) {
      throw signal?.aborted ? this.#cancelled() : this.#failure(error, timeoutMs);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #cancelled(): ConsulError {
    return new ConsulError('cancelled', `${this.url}: cancelled`, { maybeDone: true });
  }

  #failure(error: unknown, timeoutMs: number): ConsulError {
    const fail = (failure: ConsulError['failure'], text: string, maybeDone: boolean) =>
      new ConsulError(failure, `${this.url}: ${text}`, { maybeDone, cause: error });
    if (isResponseError(error)) return this.#refusal(error, fail);
    if ((error as { isTimeout?: boolean }).isTimeout)
      return fail('timeout', `no answer in ${timeoutMs} ms`, true);
    if ((error as { isCodec?: boolean }).isCodec) return fail('malformed', messageOf(error), true);
    const distrust = distrustOf(error);
    if (distrust !== null) return fail('unreachable', `its certificate is not trusted: ${distrust}`, false);
    if (neverConnected(error)) return fail('unreachable', messageOf(error) || 'no connection', false);
    return fail('broken', messageOf(error), true);
  }

  #refusal(
    { response }: ResponseError,
    fail: (failure: ConsulError['failure'], text: string, maybeDone: boolean) => ConsulError,
  ): ConsulError {
    const status = response.statusCode ?? 0;
    const text = `${status} ${textOf(response.body)}`.trim();
    // Consul gives this answer instead of passing the request on to a leader.
    if (status >= 500 && text.includes('No cluster leader')) return fail('no-leader', text, false);
    if (status === 403) return fail('denied', text, false);
    if (status === 429) return fail('server-error', text, false);
    if (status >= 500) return fail('server-error', text, true);
    return fail('rejected', text, false);
  }
}

const isResponseError = (error: unknown): error is ResponseError =>
  error instanceof Error && (error as { isResponse?: boolean }).isResponse === true;

/** HTTP status of the answer that refused the call; null when there was none. */
export const statusOf = (error: unknown): number | null =>
  error instanceof ConsulError && isResponseError(error.cause)
    ? (error.cause.response.statusCode ?? null)
    : null;

/** The body that came with a refusal. */
export const refusedBody = (error: unknown): unknown =>
  error instanceof ConsulError && isResponseError(error.cause) ? error.cause.response.body : undefined;

/** A name with several addresses fails with all their errors in one. */
function neverConnected(error: unknown): boolean {
  const errors = error instanceof AggregateError ? error.errors : [error];
  return errors.every((each) =>
    ['connect', 'getaddrinfo'].includes((each as NodeJS.ErrnoException).syscall ?? ''),
  );
}

/** Why the certificate was refused here, before anything was sent; null when it was not. */
function distrustOf(error: unknown): string | null {
  const { code = '', message } = error as NodeJS.ErrnoException;
  // What Node says of the others is advice for people who browse.
  if (DISTRUST.test(code)) return code;
  return code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? message : null;
}

function textOf(body: unknown): string {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? String(body) : JSON.stringify(body ?? '');
  return text.slice(0, quotedChars).trim();
}
