// Runs dlog as a user does: a process of its own, its output, its errors and its exit code.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export async function runCli(
  args: readonly string[],
  { input = '', environment = {} }: { input?: string; environment?: Record<string, string> } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...environment } });
  // A command that reads no input may be gone before all of it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, output, errors };
}

export interface RunningCli {
  /** Whole lines that it has printed. */
  readonly lines: readonly string[];
  readonly errors: () => string;
  /** Null while it runs. */
  readonly code: () => number | null;
  /** As Ctrl-C; resolves with its exit code. */
  interrupt(): Promise<number | null>;
}

/** One that goes on until it is interrupted. */
export function startCli(args: readonly string[]): RunningCli {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let errors = '';
  const ended = once(child, 'close') as Promise<[number | null]>;
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  return {
    lines,
    errors: () => errors,
    code: () => child.exitCode,
    async interrupt() {
      child.kill('SIGINT');
      return (await ended)[0];
    },
  };
}
