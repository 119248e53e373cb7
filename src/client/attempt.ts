// One attempt of a call at one address: its success as a value, and every way to fail as a `Failure`. What breaks before
// the request is on its way refuses a write; everything after that leaves its outcome unknown.
import { messageOf } from '../errors.ts';
import { ConnectError, type Http, type HttpRequest, type HttpResponse, TimeoutError } from './http.ts';
import { type Failure, failureOf } from './problem.ts';

export interface Call<T> extends HttpRequest {
  /** Deadline of one attempt. */
  readonly timeoutMs: number;
  /** Reads a 2xx answer; throwing means that it makes no sense. */
  readonly consume: (response: HttpResponse) => Promise<T>;
}

export type Attempted<T> = { readonly kind: 'done'; readonly value: T } | Failure;

/** How an attempt ended, and where. */
export type Tried<T> = Attempted<T> & { readonly url: string };

/** The reason of a signal that ends an attempt because another logger has become the leader. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** Never rejects, except with the reason of `signal` when that is not Superseded. */
export async function attempt<T>(
  http: Http,
  base: string,
  call: Call<T>,
  signal: AbortSignal,
): Promise<Attempted<T>> {
  try {
    return await http.request(
      base,
      { ...call, toLogger: true },
      { timeoutMs: call.timeoutMs, signal },
      async (response) =>
        response.status >= 200 && response.status < 300
          ? { kind: 'done', value: await call.consume(response) }
          : { ...(await failureOf(response, base, call.path)), resent: response.resent },
    );
  } catch (error) {
    if (signal.aborted && !(signal.reason instanceof Superseded)) throw error;
    return brokenOff(error);
  }
}

/** An attempt that its caller gave up: what was sent cannot be taken back. */
export const GIVEN_UP = {
  kind: 'retry',
  reason: 'superseded',
  detail: 'given up',
  outcome: 'unknown',
  retryAfterMs: null,
  busy: false,
} as const satisfies Failure;

/** What it means that a request was broken off. */
export function brokenOff(error: unknown): Failure {
  const detail = messageOf(error);
  const rest = { kind: 'retry', detail, retryAfterMs: null, busy: false } as const;
  if (error instanceof ConnectError) return { ...rest, reason: 'connect-failed', outcome: 'refused' };
  if (error instanceof Superseded) return { ...rest, reason: 'superseded', outcome: 'unknown' };
  if (error instanceof TimeoutError) return { ...rest, reason: 'timeout', outcome: 'unknown' };
  if (error instanceof AnswerError) return { ...rest, reason: 'bad-answer', outcome: 'unknown' };
  return { ...rest, reason: 'connection-lost', outcome: 'unknown' };
}

/** A 2xx answer that is not what was asked for. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}
