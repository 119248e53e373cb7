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

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
