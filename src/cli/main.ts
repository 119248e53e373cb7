#!/usr/bin/env node
// dlog, the command line of distributed-logger: reads its arguments, runs one command, and ends with an exit code that scripts
// can decide by (docs/reference/cli.md).
import { messageOf } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { Invocation } from './arguments.ts';
import { parseArguments, UsageError } from './arguments.ts';
import { EXIT_OK, EXIT_USAGE, exitCodeOf } from './exit-codes.ts';
import { helpOf } from './help.ts';
import type { ProgressTerminal } from './progress.ts';
import { run } from './run.ts';

const INTERRUPTED = 130;
const DEFAULT_COLUMNS = 80;

async function main(): Promise<number> {
  const ending = new AbortController();
  process.once('SIGINT', () => ending.abort(new Error('interrupted')));
  process.once('SIGTERM', () => ending.abort(new Error('told to stop')));
  // Whoever reads has read enough: `dlog tail | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_OK);
  });
  try {
    const invocation = parseArguments(process.argv.slice(2), process.env);
    if (invocation.help) {
      process.stdout.write(helpOf(invocation.command));
      return EXIT_OK;
    }
    if (invocation.version) {
      process.stdout.write(
        invocation.json ? `${JSON.stringify({ version: VERSION })}\n` : `dlog ${VERSION}\n`,
      );
      return EXIT_OK;
    }
    await run(invocation, {
      out: (text) => process.stdout.write(text),
      note: (text) => void process.stderr.write(`${text}\n`),
      drained: () => new Promise((resolve) => process.stdout.once('drain', resolve)),
      progress: progressOn(invocation),
      input: process.stdin,
      signal: ending.signal,
    });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`dlog: ${error.message}\n\n${helpOf(error.command)}`);
      return EXIT_USAGE;
    }
    if (ending.signal.aborted) return INTERRUPTED;
    process.stderr.write(`dlog: ${messageOf(error)}\n`);
    return exitCodeOf(error);
  }
}

/** On a terminal that can draw over a line, unless what is acknowledged is printed on the same one. */
function progressOn({ json }: Invocation): ProgressTerminal | null {
  const { stderr, stdout, env } = process;
  if (!stderr.isTTY || env.TERM === 'dumb' || (json && stdout.isTTY)) return null;
  return {
    write: (text) => void stderr.write(text),
    get columns() {
      return stderr.columns || DEFAULT_COLUMNS;
    },
  };
}

process.exit(await main());
