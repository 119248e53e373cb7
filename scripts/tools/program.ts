// Finds and runs programs: a path in an environment variable, then PATH. Fetching comes after both, in the files beside this.
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const outputLimitBytes = 64 * 1024 * 1024;

/** A tool is missing and could not be fetched; the message tells what to do. */
export class ToolMissing extends Error {
  override readonly name = 'ToolMissing';
}

/** The path in `variable`, which must work when it is set, or that of `command` on PATH, or null. */
export function findProgram(variable: string, command: string): string | null {
  const chosen = process.env[variable];
  if (chosen) {
    if (isExecutable(chosen)) return chosen;
    throw new ToolMissing(`${variable} is ${chosen}, which is no program that can be run`);
  }
  const directories = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => join(directory, command)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not executable: not a candidate
  }
}

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a program to its end and resolves with its stdout; a failure carries what it printed. */
export async function run(
  program: string,
  parameters: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { stdout } = await execute(program, [...parameters], {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    timeout: options.timeoutMs ?? 60_000,
    maxBuffer: outputLimitBytes,
  });
  return stdout;
}
