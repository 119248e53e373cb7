// Errors of the client. A write that failed is either refused (nothing of it was stored, nothing ever will be) or unknown
// (it may be stored now or later); `outcome` says which, and only `refused` may be sent anew under another sequence.
import type { ErrorCode, Outcome } from '../errors.ts';

/** Codes that loggers answer with, and those that only the client knows. */
export type ClientErrorCode =
  | ErrorCode
  | 'aborted'
  | 'closed'
  | 'queue-full'
  | 'epoch-exhausted'
  | 'bad-answer'
  | 'no-answer';

/** Why an attempt is made again: a logger's code, or what happened to the connection. A small, fixed set. */
export type RetryReason =
  | ErrorCode
  | 'connect-failed'
  | 'connection-lost'
  | 'timeout'
  | 'superseded'
  | 'redirect-loop'
  | 'bad-answer'
  | 'leader-unknown'
  | 'consul-failed';

export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  readonly outcome: Outcome;
  /** What else the problem document said, as `first` and `commit` with offset-gone. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(
    code: ClientErrorCode,
    message: string,
    options: { outcome: Outcome; extra?: Readonly<Record<string, unknown>>; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome;
    this.extra = options.extra ?? {};
  }

  /** The same failure, of a write whose outcome an earlier attempt had left open. */
  asUnknown(): ClientError {
    return new ClientError(this.code, this.message, { outcome: 'unknown', extra: this.extra, cause: this });
  }
}

/**
 * After these the loggers and the producer disagree about what comes next: it sends no more until `resume()`.
 * `producer-fenced` means that another producer with the same id has begun a newer epoch, `producer-moved` that one of an older
 * epoch was stored after `resume()` had asked.
 */
const PRODUCER_STATE_CODES: readonly ClientErrorCode[] = [
  'unknown-producer',
  'sequence-gap',
  'sequence-conflict',
  'producer-fenced',
  'producer-moved',
  'epoch-exhausted',
];

export const endsProducerEpoch = (code: ClientErrorCode): boolean => PRODUCER_STATE_CODES.includes(code);
