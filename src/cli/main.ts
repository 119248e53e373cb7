#!/usr/bin/env node
// dlog, the command line of distributed-logger: reads its arguments, runs one command, and ends with an exit code that scripts
// can decide by (docs/reference/cli.md).
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { printableLines } from '../terminal-text.ts';
import { VERSION } from '../version.ts';
import type { Invocation } from './arguments.ts';
import { parseArguments } from './arguments.ts';
import { CliError } from './cli-error.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { type Failure, failureJson, failureOf, failureText } from './failures.ts';
import { helpOf } from './help.ts';
import { run, type Terminal, writes } from './run.ts';
import type { ProgressTerminal } from './status-line.ts';
import { Troubles } from './troubles.ts';
import { clustersHint } from './wrong-cluster.ts';

const DEFAULT_COLUMNS = 80;
const args = process.argv.slice(2);

async function main(): Promise<number> {
  const ending = new AbortController();
  process.once('SIGINT', () => ending.abort(new CliError('interrupted', 'interrupted')));
  process.once('SIGTERM', () => ending.abort(new CliError('interrupted', 'told to stop')));
  const troubles = new Troubles();
  let invocation: Invocation | null = null;
  let outputFault: CliError | null = null;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has read enough: `dlog tail | head`.
    if (error.code === 'EPIPE' && !writes(invocation?.command ?? null)) process.exit(EXIT_CODES.ok.number);
    outputFault ??= new CliError('file-error', `the output cannot be written: ${error.message}`, {
      hint: 'is there room where it goes, and does its reader still run?',
      mayHaveWritten: true,
    });
    ending.abort(outputFault);
  });
  process.stderr.on('error', () => {}); // there is nowhere left to say so
  try {
    invocation = parseArguments(args, process.env);
    if (invocation.help) process.stdout.write(helpOf(invocation.command));
    else if (invocation.version) process.stdout.write(versionText(invocation));
    else await run(invocation, terminalOf(invocation, ending.signal), troubles);
    await new Promise<unknown>((resolve) => process.stdout.write('', resolve));
    if (outputFault !== null) throw outputFault;
    return EXIT_CODES.ok.number;
  } catch (error) {
    const { timeoutMs = 0, command = null } = invocation ?? {};
    const cause = ending.signal.aborted ? ending.signal.reason : error;
    const failure = failureOf(cause, { troubles, timeoutMs, writes: writes(command) });
    // Whoever interrupted it knows.
    if (failure.code !== 'interrupted' || args.includes('--json'))
      process.stderr.write(safeFor(process.stderr, shown(await withClusters(failure, invocation))));
    return failure.exitCode;
  }
}

const versionText = ({ json }: Invocation): string =>
  json ? `${JSON.stringify({ version: VERSION })}\n` : `dlog ${VERSION}\n`;

/** A command line that cannot be read is looked through for the one word that matters here. */
const shown = (failure: Failure): string =>
  args.includes('--json') ? failureJson(failure) : failureText(failure);

async function withClusters(failure: Failure, invocation: Invocation | null): Promise<Failure> {
  const hint = failure.code === 'no-leader' && (await clustersHint(invocation?.client.consul));
  return hint ? { ...failure, hint } : failure;
}

const terminalOf = (invocation: Invocation, signal: AbortSignal): Terminal => ({
  out: (text) => process.stdout.write(safeFor(process.stdout, text)),
  note: (text) => void process.stderr.write(safeFor(process.stderr, `${text}\n`)),
  drained: async () => void (await once(process.stdout, 'drain', { signal })),
  isScreen: process.stdout.isTTY === true,
  progress: progressOn(invocation),
  confirm: process.stdin.isTTY && process.stderr.isTTY ? (question) => ask(question, signal) : null,
  input: process.stdin,
  signal,
});

/** What other machines say comes with it: records, names, messages. */
function safeFor<T extends string | Uint8Array>({ isTTY }: NodeJS.WriteStream, text: T): T | string {
  return isTTY && typeof text === 'string' ? printableLines(text) : text;
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D mean no.
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended]);
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
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
