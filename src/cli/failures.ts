// How a command that failed is told about: a sentence and what to try next for people, one JSON object on stderr for programs.
import { ClientError } from '../client/index.ts';
import { messageOf, type Outcome } from '../errors.ts';
import { CliError } from './cli-error.ts';
import { EXIT_CODES, type ExitName, exitOf } from './exit-codes.ts';
import { type FailureCode, HINTS } from './hints.ts';
import type { Troubles } from './troubles.ts';

export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string;
  /** What became of the write that was asked for; null where none was. */
  readonly outcome: Outcome | null;
  readonly exitCode: number;
}

export interface Circumstances {
  readonly troubles: Troubles;
  /** How long the command was to try. */
  readonly timeoutMs: number;
  /** Whether it changes anything: only then is there an outcome to be told. */
  readonly writes: boolean;
}

export function failureOf(error: unknown, { troubles, timeoutMs, writes }: Circumstances): Failure {
  const exit = exitOf(error, writes);
  if (error instanceof CliError) return own(error, writes && error.mayHaveWritten ? 'unknown' : null, exit);
  if (!(error instanceof ClientError)) return stranger(error);
  const outcome = writes ? error.outcome : null;
  // What was given up for a reason of our own.
  if (error.cause instanceof CliError) {
    // No logger can have read what was sent.
    const became = error.cause.code === 'tls-failed' && writes ? 'refused' : outcome;
    return own(error.cause, became, exitOf(error.cause, writes));
  }
  if (error.code !== 'aborted') return made(error.code, error.message, outcome, exit);
  const gaveUp = `gave up after ${timeoutMs / 1000} s`;
  return troubles.none
    ? made('not-in-time', gaveUp, outcome, exit)
    : made(troubles.code, `${gaveUp}: ${troubles.text}`, outcome, exit);
}

const own = ({ code, message, hint }: CliError, outcome: Outcome | null, exit: ExitName): Failure => ({
  ...made(code, message, outcome, exit),
  ...(hint !== null && { hint }),
});

function stranger(error: unknown): Failure {
  // Node names files and what is wrong with them, but not in reading and writing; `ECONNREFUSED` and the like never come
  // here, the client has its own.
  const { path, syscall = '' } = (error ?? {}) as NodeJS.ErrnoException;
  const isFile = path !== undefined || syscall === 'read' || syscall === 'write';
  return made(isFile ? 'file-error' : 'failed', messageOf(error), null, 'refused');
}

const made = (code: FailureCode, message: string, outcome: Outcome | null, exit: ExitName): Failure => ({
  code,
  message,
  hint: HINTS[code],
  outcome,
  exitCode: EXIT_CODES[exit].number,
});

export const failureText = ({ message, hint }: Failure): string => `dlog: ${message}\nhint: ${hint}\n`;
export const failureJson = (failure: Failure): string => `${JSON.stringify({ error: failure })}\n`;
