// What goes wrong in dlog itself, rather than at a logger: each has a stable code (its hint and exit code stand in
// failures.ts), and may bring a hint of its own where more is known than the code tells.

export type CliCode =
  | 'usage'
  | 'not-in-time'
  | 'interrupted'
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

  constructor(code: CliCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
  }
}
