// Runs one command with a client of its own, which is closed however the command ends.
import { LogClient } from '../client/index.ts';
import type { Command, Invocation } from './arguments.ts';
import { completion } from './commands/completion.ts';
import { load } from './commands/load.ts';
import { addMembers, listMembers, removeMembers } from './commands/members.ts';
import { produce } from './commands/produce.ts';
import { restore } from './commands/restore.ts';
import { showStatus } from './commands/status.ts';
import { tail } from './commands/tail.ts';
import { transfer } from './commands/transfer.ts';
import { verify } from './commands/verify.ts';
import type { ProgressTerminal } from './progress.ts';

/** The world outside, as a command sees it. */
export interface Terminal {
  /** Writes to stdout; false when it is to be `drained` first. */
  out(text: string): boolean;
  drained(): Promise<void>;
  /** One line for people, on stderr. */
  note(text: string): void;
  /** Null where nobody looks, or where it would get into other output's way. */
  readonly progress: ProgressTerminal | null;
  readonly input: NodeJS.ReadableStream;
  /** Aborts when the user wants to end. */
  readonly signal: AbortSignal;
}

export interface CommandContext {
  readonly client: LogClient;
  readonly invocation: Invocation;
  readonly terminal: Terminal;
}

const ACTIONS: Readonly<Record<Command, (context: CommandContext) => Promise<void>>> = {
  status: showStatus,
  members: listMembers,
  'members add': addMembers,
  'members remove': removeMembers,
  transfer,
  produce,
  tail,
  load,
  verify,
  restore,
  completion,
};

/** Rejects with ClientError, NotInTime or whatever else went wrong. */
export async function run(invocation: Invocation, terminal: Terminal): Promise<void> {
  if (invocation.command === null) throw new Error('there is no command to run');
  const client = new LogClient(invocation.client);
  try {
    await ACTIONS[invocation.command]({ client, invocation, terminal });
  } finally {
    await client.close();
  }
}

/** Ends with the user's wish, and after the command's `--timeout`. */
export const deadlineOf = ({ invocation, terminal }: CommandContext): AbortSignal =>
  AbortSignal.any([terminal.signal, AbortSignal.timeout(invocation.timeoutMs)]);
