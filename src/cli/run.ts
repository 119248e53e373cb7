// Runs one command with a client of its own, which is closed however the command ends.
import { type ClientOptions, LogClient } from '../client/index.ts';
import type { Invocation } from './arguments.ts';
import { CliError } from './cli-error.ts';
import { bench } from './commands/bench.ts';
import { completion } from './commands/completion.ts';
import { load } from './commands/load.ts';
import { addMembers, listMembers, removeMembers } from './commands/members.ts';
import { produce } from './commands/produce.ts';
import { restore } from './commands/restore.ts';
import { showStatus } from './commands/status.ts';
import { tail } from './commands/tail.ts';
import { transfer } from './commands/transfer.ts';
import { verify } from './commands/verify.ts';
import { KubeLoggers } from './kube/index.ts';
import type { Command } from './options.ts';
import type { ProgressTerminal } from './status-line.ts';
import { Troubles } from './troubles.ts';

/** The world outside, as a command sees it. */
export interface Terminal {
  /** Writes to stdout; false when it is to be `drained` first. */
  out(text: string | Uint8Array): boolean;
  /** Rejects when `signal` aborts. */
  drained(): Promise<void>;
  /** Stdout is a terminal that somebody looks at. */
  readonly isScreen: boolean;
  /** One line for people, on stderr. */
  note(text: string): void;
  /** Null where nobody looks, or where it would get into other output's way. */
  readonly progress: ProgressTerminal | null;
  /** Asks a question that takes yes or no; null where nobody is there to answer. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  readonly input: NodeJS.ReadableStream;
  /** Aborts when the user wants to end. */
  readonly signal: AbortSignal;
}

export interface CommandContext {
  readonly client: LogClient;
  /** Of `client`, for further ones. */
  readonly options: ClientOptions;
  readonly invocation: Invocation;
  readonly terminal: Terminal;
  readonly troubles: Troubles;
}

type Action = (context: CommandContext) => Promise<void>;

interface Kind {
  readonly act: Action;
  /** Changes something, so that what became of it can be unknown. */
  readonly writes?: true;
  /** Shows by itself how it goes on. */
  readonly shows?: true;
}

const KINDS: Readonly<Record<Command, Kind>> = {
  status: { act: showStatus },
  members: { act: listMembers },
  'members add': { act: addMembers, writes: true },
  'members remove': { act: removeMembers, writes: true },
  transfer: { act: transfer, writes: true },
  produce: { act: produce, writes: true, shows: true },
  tail: { act: tail },
  bench: { act: bench, writes: true, shows: true },
  load: { act: load, shows: true },
  verify: { act: verify },
  restore: { act: restore },
  completion: { act: completion },
};

/** A port-forward is made by way of the API server and a kubelet, wherever they are. */
const KUBE_LIMITS = { connectTimeoutMs: 5_000, requestTimeoutMs: 7_000 };
/** Somebody who waits this long wants to know what for. */
const TELL_AFTER_MS = 1500;

export const writes = (command: Command | null): boolean =>
  command !== null && KINDS[command].writes === true;

/** Rejects with ClientError, CliError or whatever else went wrong. `troubles` is told what was tried again meanwhile. */
export async function run(
  invocation: Invocation,
  given: Terminal,
  troubles: Troubles = new Troubles(),
): Promise<void> {
  if (invocation.command === null) throw new CliError('usage', 'there is no command to run');
  const { act, shows } = KINDS[invocation.command];
  const hopeless = new AbortController();
  const terminal = { ...given, signal: AbortSignal.any([given.signal, hopeless.signal]) };
  const kube = invocation.kube && (await openKube(invocation, terminal, (error) => hopeless.abort(error)));
  const found = kube && { target: kube.targets, dial: kube.dial, ...KUBE_LIMITS };
  const options = troubles.watch({ ...invocation.client, ...found }, (error) => hopeless.abort(error));
  const client = new LogClient(options);
  const teller =
    shows === true ? null : setTimeout(() => tell(invocation, terminal, troubles), TELL_AFTER_MS);
  try {
    await act({ client, options, invocation, terminal, troubles });
    // A reader that follows ends quietly, whatever ended it.
    hopeless.signal.throwIfAborted();
  } finally {
    if (teller !== null) clearTimeout(teller);
    await client.close();
    await kube?.close();
  }
}

async function openKube(
  { kube, timeoutMs }: Invocation,
  { signal }: Terminal,
  onHopeless: (error: CliError) => void,
): Promise<KubeLoggers | null> {
  if (kube === null) return null;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const loggers = await KubeLoggers.open(kube, AbortSignal.any([signal, deadline]));
    loggers.onRefused = onHopeless;
    return loggers;
  } catch (cause) {
    if (cause !== deadline.reason) throw cause;
    throw new CliError('kube-unreachable', `the API server did not answer within ${timeoutMs / 1000} s`, {
      cause,
    });
  }
}

function tell({ timeoutMs }: Invocation, terminal: Terminal, troubles: Troubles): void {
  if (terminal.progress === null || troubles.none) return;
  terminal.note(`dlog: ${troubles.text}; trying for ${timeoutMs / 1000} s`);
}

/** Ends with the user's wish, and after the command's `--timeout`. */
export const deadlineOf = ({ invocation, terminal }: CommandContext): AbortSignal =>
  AbortSignal.any([terminal.signal, AbortSignal.timeout(invocation.timeoutMs)]);
