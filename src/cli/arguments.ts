// The command line, read strictly: what is unknown, missing or malformed is named, and nothing is done. Options may stand
// before or after the command.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ClientOptions } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import {
  checkOwners,
  HISTORY_OPTIONS,
  LOAD_ONLY,
  type LoadArguments,
  loadArgumentsOf,
  VERIFY_ONLY,
  type VerifyArguments,
  verifyArgumentsOf,
} from './history-arguments.ts';
import { durationMs, momentMs } from './times.ts';

export const COMMANDS = [
  'status',
  'members',
  'members add',
  'members remove',
  'transfer',
  'produce',
  'tail',
  'load',
  'verify',
  'restore',
  'completion',
] as const;
export type Command = (typeof COMMANDS)[number];

export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Whose help to show; null for that of all commands. */
  readonly command: Command | null;
  constructor(message: string, command: Command | null) {
    super(message);
    this.command = command;
  }
}

export interface Invocation {
  readonly command: Command | null;
  readonly help: boolean;
  readonly version: boolean;
  /** Ids, or texts. */
  readonly operands: readonly string[];
  readonly client: Pick<ClientOptions, 'target' | 'consul' | 'token' | 'ca'>;
  readonly json: boolean;
  readonly timeoutMs: number;
  /** Of `tail`; null where not given. */
  readonly from: number | 'earliest' | 'latest' | null;
  /** Of `tail`: milliseconds since 1970; null where not given. */
  readonly sinceMs: number | null;
  readonly follow: boolean;
  /** Of `produce`: where its lines come from; null where not given. */
  readonly file: string | null;
  readonly load: LoadArguments;
  readonly verify: VerifyArguments;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';
const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_MS = 24 * 3600 * 1000;
/** Shells that can be told how to complete a command line. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
const ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const OPTIONS = {
  url: { type: 'string', multiple: true },
  consul: { type: 'string', multiple: true },
  cluster: { type: 'string' },
  token: { type: 'string' },
  'token-file': { type: 'string' },
  'ca-file': { type: 'string' },
  json: { type: 'boolean' },
  timeout: { type: 'string' },
  from: { type: 'string' },
  since: { type: 'string' },
  follow: { type: 'boolean', short: 'f' },
  file: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  ...HISTORY_OPTIONS,
} as const;

export type OptionName = keyof typeof OPTIONS;

/** Options that one command alone has. */
export const OWN_OPTIONS: { readonly [Name in OptionName]?: Command } = {
  from: 'tail',
  since: 'tail',
  follow: 'tail',
  file: 'produce',
  ...Object.fromEntries(LOAD_ONLY.map((name) => [name, 'load'])),
  ...Object.fromEntries(VERIFY_ONLY.map((name) => [name, 'verify'])),
};

type Given = ReturnType<typeof parse>['values'];
const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });

/** Throws UsageError. */
export function parseArguments(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  nowMs = Date.now(),
): Invocation {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(args);
  } catch (error) {
    throw new UsageError(messageOf(error), null);
  }
  const { values, positionals } = given;
  const version = values.version === true;
  const help = values.help === true || (positionals.length === 0 && !version) || positionals[0] === 'help';
  const { command, operands } = commandIn(positionals[0] === 'help' ? positionals.slice(1) : positionals);
  if (!help && !version) checkOperands(command as Command, operands);
  checkTailAndProduce(values, command, operands);
  refusing(command, () => checkOwners(values, command));
  return {
    command,
    help,
    version,
    operands,
    client: {
      ...whereTo(values, environment, command),
      ...tokenOf(values, environment, command),
      ...caOf('--ca-file', values['ca-file'] ?? environment.DLOG_CA_FILE, command),
    },
    json: values.json === true,
    timeoutMs: timeoutOf(values.timeout, command),
    from: fromOf(values.from),
    sinceMs: sinceOf(values.since, nowMs),
    follow: values.follow === true,
    file: values.file ?? null,
    load: refusing(command, () => loadArgumentsOf(values)),
    verify: refusing(command, () => verifyArgumentsOf(values)),
  };
}

function checkTailAndProduce(values: Given, command: Command | null, operands: readonly string[]): void {
  for (const name of ['from', 'since', 'follow', 'file'] as const)
    if (values[name] !== undefined && OWN_OPTIONS[name] !== command)
      throw new UsageError(`--${name} belongs to ${OWN_OPTIONS[name]}`, command);
  if (values.from !== undefined && values.since !== undefined)
    throw new UsageError('tail takes --from or --since, not both', command);
  if (values.file !== undefined && operands.length > 0)
    throw new UsageError('produce takes texts or --file, not both', command);
}

function refusing<T>(command: Command | null, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(messageOf(error), command);
  }
}

function commandIn([first, second, ...rest]: readonly string[]): {
  command: Command | null;
  operands: readonly string[];
} {
  if (first === undefined) return { command: null, operands: [] };
  const two = COMMANDS.find((name) => name === `${first} ${second}`);
  if (two) return { command: two, operands: rest };
  const one = COMMANDS.find((name) => name === first);
  if (!one) throw new UsageError(`there is no command ${JSON.stringify(first)}`, null);
  return { command: one, operands: second === undefined ? [] : [second, ...rest] };
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const refuse = (message: string): never => {
    throw new UsageError(message, command);
  };
  const [first, second] = operands;
  if (command === 'members' && first !== undefined)
    refuse(`members takes add or remove, not ${JSON.stringify(first)}`);
  if ((command === 'status' || command === 'tail' || command === 'load') && first !== undefined)
    refuse(`${command} takes no ${JSON.stringify(first)}`);
  if (command === 'transfer' && second !== undefined) refuse('transfer takes one logger at most');
  if (command.startsWith('members ') && first === undefined) refuse(`${command} takes the ids of loggers`);
  if (command === 'restore') {
    if (first === undefined || second !== undefined) refuse('restore takes one data directory');
  } else if (command === 'completion') {
    if (!SHELLS.some((shell) => shell === first) || second !== undefined)
      refuse(`completion takes one of ${SHELLS.join(', ')}`);
  } else if (command !== 'produce' && command !== 'verify')
    for (const id of operands)
      if (!ID.test(id)) refuse(`${JSON.stringify(id)} is not the id of a logger, such as logger-0`);
  if (command === 'produce' && operands.includes('-') && operands.length > 1)
    refuse('produce takes texts or -, for the lines of its input, not both');
}

/** An option shows in the list of processes, so a file or the environment is the better place for a token. */
function tokenOf(
  { token, 'token-file': file }: Given,
  environment: Readonly<Record<string, string | undefined>>,
  command: Command | null,
): { token?: string } {
  if (token !== undefined && file !== undefined)
    throw new UsageError('--token and --token-file are two ways to give one token', command);
  if (file === undefined) {
    const given = token ?? environment.DLOG_TOKEN;
    return given ? { token: given } : {};
  }
  return { token: textIn('--token-file', file, command) };
}

function caOf(what: string, file: string | undefined, command: Command | null): { ca?: string } {
  if (!file) return {};
  const ca = textIn(what, file, command);
  if (!ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new UsageError(`${what}: ${file} holds no certificate in PEM`, command);
  return { ca };
}

function textIn(what: string, file: string, command: Command | null): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`${what}: ${messageOf(error)}`, command);
  }
}

/** `--url` goes before `--consul` in the environment; given both, both are used. */
function whereTo(
  { url, consul, cluster }: Given,
  environment: Readonly<Record<string, string | undefined>>,
  command: Command | null,
): Invocation['client'] {
  if (consul && (command === 'load' || command === 'verify'))
    throw new UsageError(`${command} takes --url, not --consul`, command);
  for (const one of [...(url ?? []), ...(consul ?? [])])
    if (!URL.canParse(one) || !/^https?:$/.test(new URL(one).protocol))
      throw new UsageError(`${JSON.stringify(one)} is not an http:// or https:// URL`, command);
  if (cluster !== undefined && !consul)
    throw new UsageError('--cluster names a cluster in Consul: it needs --consul', command);
  const fromEnvironment = (environment.DLOG_URL || DEFAULT_URL).split(',').map((part) => part.trim());
  return {
    ...(url || !consul ? { target: url ?? fromEnvironment } : {}),
    ...(consul && {
      consul: { urls: consul, ...(cluster && { cluster }), ...consulAccessOf(environment, command) },
    }),
  };
}

function consulAccessOf(
  environment: Readonly<Record<string, string | undefined>>,
  command: Command | null,
): { token?: string; ca?: string } {
  const { DLOG_CONSUL_TOKEN_FILE: file, DLOG_CONSUL_CA_FILE: caFile } = environment;
  const token = file ? textIn('DLOG_CONSUL_TOKEN_FILE', file, command) : environment.DLOG_CONSUL_TOKEN;
  return { ...(token && { token }), ...caOf('DLOG_CONSUL_CA_FILE', caFile, command) };
}

function timeoutOf(text: string | undefined, command: Command | null): number {
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = durationMs(text) ?? Number.NaN;
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw new UsageError(`--timeout is ${JSON.stringify(text)}: it takes such as 500ms, 30s or 5m`, command);
  return timeoutMs;
}

function fromOf(text: string | undefined): Invocation['from'] {
  if (text === undefined) return null;
  if (text === 'earliest' || text === 'latest') return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`--from is ${JSON.stringify(text)}: it takes an offset, earliest or latest`, 'tail');
}

function sinceOf(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const sinceMs = momentMs(text, nowMs);
  if (sinceMs !== null) return sinceMs;
  const takes = 'it takes how long ago, such as 10m, or a moment such as 2026-01-31T12:00:00Z';
  throw new UsageError(`--since is ${JSON.stringify(text)}: ${takes}`, 'tail');
}
