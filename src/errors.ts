// Every error that leaves a program of ours, in one table: its stable code, HTTP status, title and what a
// caller may do about it. The documented table (docs/reference/errors.md) is compared with this one by a test.
//
// `outcome` is what the caller may conclude about the write it asked for:
//   refused  nothing of it was stored and nothing ever will be;
//   unknown  it may be stored now or later: repeat it with the same producer id and sequence to find out;
//   none     no write was asked for.

export type Outcome = 'refused' | 'unknown' | 'none';

export interface ErrorKind {
  readonly status: number;
  readonly title: string;
  /** When the same request may succeed; null where it never will. A takeover takes well under a second. */
  readonly retryAfterMs: number | null;
  readonly outcome: Outcome;
}

const kind = (
  status: number,
  title: string,
  retryAfterMs: number | null = null,
  outcome: Outcome = 'refused',
): ErrorKind => ({ status, title, retryAfterMs, outcome });

export const ERRORS = {
  'invalid-request': kind(400, 'The request is malformed'),
  'invalid-offset': kind(400, 'The offset is not a whole number from 0 on'),
  'invalid-record': kind(400, 'A record in the body is malformed'),
  'invalid-batch': kind(400, 'The record batch in the body is malformed'),
  'invalid-producer': kind(400, 'The producer headers are incomplete or malformed'),
  unauthorized: kind(401, 'A valid bearer token is needed'),
  forbidden: kind(403, 'The token does not allow this'),
  'cross-site': kind(403, 'A web page of another site sent this'),
  'unknown-host': kind(403, 'The request names a host that this logger is not'),
  'not-found': kind(404, 'There is no such resource'),
  'unknown-producer': kind(404, 'Nothing is known of this producer'),
  'method-not-allowed': kind(405, 'The resource does not take this method'),
  'request-timeout': kind(408, 'The request did not arrive in time'),
  'sequence-gap': kind(409, 'The sequence is not the next one of this producer'),
  'sequence-conflict': kind(409, 'The sequence was used for other content'),
  'producer-fenced': kind(409, 'A newer epoch of this producer exists'),
  'producer-moved': kind(409, 'The last batch of this producer is another than the one named'),
  'transfer-impossible': kind(409, 'Leadership cannot be handed over now', 1000, 'none'),
  'members-managed': kind(409, 'The StatefulSet decides who is a member', null, 'none'),
  'leader-present': kind(409, 'There is a leader, so the register is not lost', null, 'none'),
  'offset-gone': kind(410, 'The offset lies below the first record kept', null, 'none'),
  'body-too-large': kind(413, 'The body is larger than allowed'),
  'record-too-large': kind(413, 'A record is larger than allowed'),
  'unsupported-media-type': kind(415, 'The content type is not one of those taken'),
  'offset-out-of-range': kind(416, 'The offset lies beyond the end of the log', null, 'none'),
  'too-many-requests': kind(429, 'Too many requests wait already', 1000),
  'headers-too-large': kind(431, 'The request headers are larger than allowed'),
  internal: kind(500, 'Something failed here that should not', 1000, 'unknown'),
  'log-damaged': kind(500, 'The log of this logger is damaged', 1000, 'none'),
  'unsupported-transfer-coding': kind(501, 'The transfer coding is not one that is taken'),
  'outcome-unknown': kind(503, 'Leadership ended before the write was acknowledged', 100, 'unknown'),
  'no-leader': kind(503, 'There is no leader now', 100),
  'not-leader': kind(503, 'This logger stopped leading', 100),
  overloaded: kind(503, 'More is waiting than may wait', 1000),
  'shutting-down': kind(503, 'This logger is shutting down', 100),
  'not-ready': kind(503, 'This logger is not ready', 1000, 'none'),
  'disk-full': kind(507, 'The disk has no room for more records', 1000),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes of what lies with the loggers: too much at a time, or something that they cannot do now. 501 lies with the client. */
export const LOGGER_ERRORS = (Object.keys(ERRORS) as ErrorCode[]).filter(
  (code) => ERRORS[code].status === 429 || (ERRORS[code].status >= 500 && ERRORS[code].status !== 501),
);

/** An error with a stable code. `detail` is for people; `extra` is added to the problem document as it is. */
export class LoggerError extends Error {
  override readonly name = 'LoggerError';
  readonly code: ErrorCode;
  readonly extra: Readonly<Record<string, string | number | boolean>>;

  constructor(
    code: ErrorCode,
    detail?: string,
    options: {
      cause?: unknown;
      extra?: Record<string, string | number | boolean>;
    } = {},
  ) {
    super(detail ?? ERRORS[code].title, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.extra = options.extra ?? {};
  }

  get kind(): ErrorKind {
    return ERRORS[this.code];
  }
}

/** RFC 9457 problem document. `code` is ours and stable; `type` names the same code as a URI reference. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  outcome: Outcome;
  retryable: boolean;
  [extra: string]: string | number | boolean;
}

export function problemOf(error: LoggerError): Problem {
  const { status, title, outcome, retryAfterMs } = error.kind;
  return {
    ...error.extra,
    type: `urn:distributed-logger:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    outcome,
    retryable: retryAfterMs !== null,
    ...(retryAfterMs !== null && { retryAfterMs }),
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
