// Every error as a problem document (RFC 9457) with the status, code and header fields of its kind, whoever raised it: our
// code, the logger behind us, Fastify or a bug.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { type ErrorCode, LoggerError, problemOf } from '../errors.ts';
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

/** What asks for no write can leave none in doubt. */
const READS: readonly string[] = ['GET', 'HEAD'];

export function answerOf(error: LoggerError, method: string): Answer {
  const problem = problemOf(error);
  if (problem.outcome === 'unknown' && READS.includes(method)) problem.outcome = 'none';
  const headers: Record<string, string> = { 'content-type': PROBLEM, 'cache-control': 'no-store' };
  const { retryAfterMs } = error.kind;
  // The header knows whole seconds only; clients of ours read the member.
  if (retryAfterMs !== null) headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000));
  const { allow, acceptPost, acceptEncoding, wwwAuthenticate } = error.extra;
  if (wwwAuthenticate !== undefined) headers['www-authenticate'] = String(wwwAuthenticate);
  if (allow !== undefined) headers.allow = String(allow);
  if (acceptPost !== undefined) headers['accept-post'] = String(acceptPost);
  if (acceptEncoding !== undefined) headers['accept-encoding'] = String(acceptEncoding);
  return { status: problem.status, headers, body: Buffer.from(JSON.stringify(problem)) };
}

interface JudgingParts {
  readonly service: LoggerService;
  readonly log: Logger;
}

export type ProblemParts = JudgingParts & LingerBounds;

interface Judged {
  /** Under which it is counted. */
  readonly code: ErrorCode | 'redirected';
  readonly answer: Answer;
}

/** The answer to what was asked at `url` and failed, to the leader's same path where that is elsewhere. A fault of ours is logged. */
export function judgedError(
  error: unknown,
  url: string,
  method: string,
  { service, log }: JudgingParts,
): Judged {
  const leader = leaderOf(error, service);
  if (leader !== null) return { code: 'redirected', answer: redirectTo(leader, url) };
  const failure = loggerErrorOf(error);
  if (failure.code === 'internal') log.error({ err: error, method, url }, 'a request failed');
  return { code: failure.code, answer: answerOf(failure, method) };
}

const ELSEWHERE: readonly string[] = ['redirected', 'no-leader', 'not-leader'];

/** Answers a request that failed. Returns the code under which it is counted. */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  parts: ProblemParts,
): ErrorCode | 'redirected' {
  const { code, answer } = judgedError(error, request.url, request.method, parts);
  sendEarly(reply, ELSEWHERE.includes(code) ? closingWrites(answer, request) : answer, parts);
  return code;
}

const redirectTo = (leader: LeaderAddress, url: string): Answer => ({
  status: 307,
  headers: {
    location: locationAt(leader, url),
    'content-type': JSON_TYPE,
    'cache-control': 'no-store',
  },
  body: Buffer.from(JSON.stringify({ leader })),
});

/** The next write should look for the leader anew: the Service would route a new connection to it, not this one. */
const closingWrites = (answer: Answer, request: FastifyRequest): Answer =>
  request.method === 'POST' ? { ...answer, headers: { ...answer.headers, connection: 'close' } } : answer;
