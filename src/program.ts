// What every long-running program does around its own work: a wrong configuration ends it with 78 and one message, a signal
// ends it in order within a bound, a second signal at once, and a parent that spawned it with an IPC channel takes it along.
import { ConfigError } from './config.ts';

export interface Running {
  /** Ends in order; must settle by itself within its own bounds. */
  stop(reason: string): Promise<void>;
}

/** EX_SOFTWARE: a fault of the program or of what it stands on. */
export const EXIT_SOFTWARE = 70;

export async function runProgram(start: (environment: NodeJS.ProcessEnv) => Promise<Running>): Promise<void> {
  let running: Running;
  try {
    running = await start(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? error.message : describe(error)}\n`);
    process.exit(error instanceof ConfigError ? ConfigError.exitCode : EXIT_SOFTWARE);
  }
  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) process.exit(EXIT_SOFTWARE);
    stopping = true;
    running.stop(reason).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${describe(error)}\n`);
        process.exit(EXIT_SOFTWARE);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', () => stop('the parent process ended'));
}

const PORT_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen there',
};
const PATH_CODES: readonly string[] = ['EACCES', 'EPERM', 'EROFS', 'EEXIST', 'ENOTDIR', 'ENOENT'];
const LOCK_ERRORS: readonly string[] = ['DirectoryLockedError', 'DirectoryUnusableError'];

/** What this machine or this user's rights refuse becomes a ConfigError that names the setting: no fault of the program. */
export async function asSet<T>(setting: string, doing: Promise<T>): Promise<T> {
  try {
    return await doing;
  } catch (error) {
    const problem = error instanceof Error ? problemOf(error) : null;
    throw problem === null ? error : new ConfigError([`${setting}: ${problem}`]);
  }
}

function problemOf(error: NodeJS.ErrnoException): string | null {
  const { name, message, code = '', path } = error;
  if (LOCK_ERRORS.includes(name)) return message;
  if (message.startsWith('listen ') && code in PORT_PROBLEMS) return `${message}: ${PORT_PROBLEMS[code]}`;
  if (path === undefined || !PATH_CODES.includes(code)) return null;
  const uid = process.getuid?.() ?? 'unknown';
  return `uid ${uid} cannot use ${path}: ${message}; it takes a directory that this user can read and write`;
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
