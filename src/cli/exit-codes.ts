// How dlog ends, for scripts: whether to correct the command, to try again, or to find out first what has happened. The
// numbers are those of sysexits.h.
import { ClientError } from '../client/index.ts';

export const EXIT_OK = 0;
/** Refused by the loggers: the same command fails again until something is changed. */
export const EXIT_REFUSED = 1;
export const EXIT_USAGE = 64;
/** Nobody answered, or what was asked for did not come about, within `--timeout`. */
export const EXIT_UNAVAILABLE = 69;
/** It may have been carried out or not. */
export const EXIT_UNKNOWN = 75;

/** What was asked for did not come about in time. */
export class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof NotInTime) return EXIT_UNAVAILABLE;
  if (!(error instanceof ClientError)) return EXIT_REFUSED;
  if (error.outcome === 'unknown') return EXIT_UNKNOWN;
  return error.code === 'aborted' || error.code === 'no-answer' ? EXIT_UNAVAILABLE : EXIT_REFUSED;
}
