// Every error as a problem document (RFC 9457) with the status, code and header fields of its kind, whoever raised it: our
// code, the logger behind us, Fastify or a bug.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { type ErrorCode, LoggerError, problemOf } from '../errors.ts';
import { LOG_ROUTE } from './context.ts';
import { type Answer, type LingerBounds, sendEarly } from './early-answer.ts';
import { leaderOf, locationAt } from './leader.ts';
import { JSON_TYPE, PROBLEM } from './media.ts';
import type { LeaderAddress, LoggerService } from './types.ts';

const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
};

/** Fastify's errors by their code, others of status 4xx as invalid-request; what is left is a fault of ours. */
export function loggerErrorOf(error: unknown): LoggerError {
  if (error instanceof LoggerError) return error;
  const { code, statusCode, message } = (error ?? {}) as Partial<FastifyError>;
  const known = FASTIFY_CODES[code ?? ''];
  if (known !== undefined) return new LoggerError(known);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new LoggerError('invalid-request', message);
  // Its message may tell what is nobody's business: it goes to the log, not to the client.
  return new LoggerError('internal', undefined, { cause: error });
}

/** When to try again, where the error itself does not say. A takeover takes well under a second. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  'no-leader': 0.1,
  'not-leader': 0.1,
  'outcome-unknown': 0.1,
  'shutting-down': 0.1,
  'transfer-impossible': 1,
  overloaded: 0.5,
  'too-many-requests': 0.5,
  'not-ready': 1,
  'disk-full': 5,
};

export function answerOf(error: LoggerError): Answer {
  const problem = problemOf(error);
  const headers: Record<string, string> = { 'content-type': PROBLEM, 'cache-control': 'no-store' };
  const retryAfterSeconds = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS[error.code];
  if (retryAfterSeconds !== undefined) {
    // The header knows whole seconds only; clients of ours read the member.
    headers['retry-after'] = String(Math.ceil(retryAfterSeconds));
    problem.retryAfterMs = Math.round(retryAfterSeconds * 1000);
  }
  const { allow, acceptPost, acceptEncoding, wwwAuthenticate } = error.extra;
  if (wwwAuthenticate !== undefined) headers['www-authenticate'] = String(wwwAuthenticate);
  if (allow !== undefined) headers.allow = String(allow);
  if (acceptPost !== undefined) headers['accept-post'] = String(acceptPost);
  if (acceptEncoding !== undefined) headers['accept-encoding'] = String(acceptEncoding);
  return { status: problem.status, headers, body: Buffer.from(JSON.stringify(problem)) };
}

export interface ProblemParts extends LingerBounds {
  readonly service: LoggerService;
  readonly log: Logger;
}

/** Answers a request that failed. Returns the code under which it is counted. */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  parts: ProblemParts,
): ErrorCode | 'redirected' {
  const redirect = redirectOf(error, parts.service, request.url);
  if (redirect !== null) {
    const answer = { ...redirect, body: Buffer.from(JSON.stringify(redirect.body)) };
    sendEarly(reply, closingWrites(answer, request), parts);
    return 'redirected';
  }
  const failure = loggerErrorOf(error);
  if (failure.code === 'internal')
    parts.log.error({ err: error, method: request.method, url: request.url }, 'a request failed');
  const answer = answerOf(failure);
  const elsewhere = failure.code === 'no-leader' || failure.code === 'not-leader';
  sendEarly(reply, elsewhere ? closingWrites(answer, request) : answer, parts);
  return failure.code;
}

export interface Redirect {
  readonly status: 307;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly leader: LeaderAddress };
}

/** To the same URL at the leader, where that is elsewhere; null for any other failure. */
export function redirectOf(error: unknown, service: LoggerService, url: string = LOG_ROUTE): Redirect | null {
  const leader = leaderOf(error, service);
  if (leader === null) return null;
  const headers = {
    location: locationAt(leader, url),
    'content-type': JSON_TYPE,
    'cache-control': 'no-store',
  };
  return { status: 307, headers, body: { leader } };
}

/** The next write should look for the leader anew: the Service would route a new connection to it, not this one. */
const closingWrites = (answer: Answer, request: FastifyRequest): Answer =>
  request.method === 'POST' ? { ...answer, headers: { ...answer.headers, connection: 'close' } } : answer;
