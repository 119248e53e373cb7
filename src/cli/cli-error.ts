// What goes wrong in dlog itself, rather than at a logger: each has a stable code (its hint and exit code stand in
// failures.ts), and may bring a hint of its own where more is known than the code tells.
import { ClientError } from '../client/index.ts';

export type CliCode =
  | 'usage'
  | 'not-in-time'
  | 'interrupted'
  | 'tls-failed'
  | 'not-confirmed'
  | 'log-not-valid'
  | 'offsets-wrong'
  | 'file-error'
  | 'kube-config'
  | 'kube-unreachable'
  | 'kube-refused'
  | 'kube-no-loggers'
  | 'kube-several-releases'
  | 'failed';

export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly code: CliCode;
  /** What to try next; null for the one that belongs to the code. */
  readonly hint: string | null;
  /** It may have come in the middle of a write, which is then left unknown. */
  readonly mayHaveWritten: boolean;

  constructor(
    code: CliCode,
    message: string,
    options: { hint?: string; mayHaveWritten?: true; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
    this.mayHaveWritten = options.mayHaveWritten ?? false;
  }
}

/** What failed after the leader had taken the command: what it does now is not known, whatever refused the question. */
export function afterAccepted(error: unknown, accepted: string): unknown {
  if (!(error instanceof ClientError)) return error;
  const { code, message, extra } = error;
  return new ClientError(code, `${accepted}; whether it is done is not known: ${message}`, {
    outcome: 'unknown',
    extra,
    cause: error,
  });
}
