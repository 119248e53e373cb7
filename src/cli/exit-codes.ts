// How dlog ends, for scripts: whether to correct the command, to try again, or to find out first what has happened. The
// numbers are those of sysexits.h. docs/reference/cli.md is made from this table.
import { ClientError } from '../client/index.ts';
import { type CliCode, CliError } from './cli-error.ts';

export const EXIT_CODES = {
  ok: { number: 0, meaning: 'done', next: '' },
  refused: {
    number: 1,
    meaning: 'refused by the loggers, or failed here; of `verify`: the log is not shown to be right',
    next: 'read the message: the same command fails again',
  },
  usage: { number: 64, meaning: 'the command line is wrong', next: 'read the help' },
  unavailable: {
    number: 69,
    meaning: 'nobody answered, or it did not come about, within `--timeout`',
    next: 'try again; a change of members goes on meanwhile',
  },
  unknown: {
    number: 75,
    meaning: 'it may have been carried out or not',
    next: 'find out, with `dlog status` or `dlog tail`',
  },
  interrupted: { number: 130, meaning: 'interrupted', next: '' },
} as const;

export type ExitName = keyof typeof EXIT_CODES;

const OWN: { readonly [Code in CliCode]?: ExitName } = {
  usage: 'usage',
  'not-confirmed': 'usage',
  'not-in-time': 'unavailable',
  'kube-unreachable': 'unavailable',
  interrupted: 'interrupted',
};

/** `writes`: the command changes something, so that it can be unknown whether it did. */
export function exitOf(error: unknown, writes: boolean): ExitName {
  if (error instanceof CliError)
    return writes && error.mayHaveWritten ? 'unknown' : (OWN[error.code] ?? 'refused');
  if (!(error instanceof ClientError)) return 'refused';
  if (writes && error.outcome === 'unknown') return 'unknown';
  return error.code === 'aborted' || error.code === 'no-answer' ? 'unavailable' : 'refused';
}
