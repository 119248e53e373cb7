// The command line, read strictly: what is unknown, missing or malformed is named, and nothing is done. Options may stand
// before or after the command.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ClientOptions } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import { type BenchArguments, benchArgumentsOf } from './bench-arguments.ts';
import { CliError } from './cli-error.ts';
import {
  type LoadArguments,
  loadArgumentsOf,
  type VerifyArguments,
  verifyArgumentsOf,
} from './history-arguments.ts';
import type { KubeOptions } from './kube/index.ts';
import { kubeArgumentsOf } from './kube-arguments.ts';
import { nearest } from './nearest.ts';
import { COMMANDS, type Command, OPTIONS, type OptionName, ownersOf, SHELLS } from './options.ts';
import { durationMs, momentMs } from './times.ts';

export class UsageError extends CliError {
  override readonly name = 'UsageError';

  /** `command` is the one whose help tells more; null for all of them. `meant` is what it may have been. */
  constructor(message: string, command: Command | null, meant: string | null = null) {
    const more = `dlog${command === null ? '' : ` ${command}`} --help tells what it takes`;
    super('usage', message, { hint: meant === null ? more : `did you mean ${meant}? ${more}` });
  }
}

export interface Invocation {
  readonly command: Command | null;
  readonly help: boolean;
  readonly version: boolean;
  /** Ids, or texts. */
  readonly operands: readonly string[];
  readonly client: Pick<ClientOptions, 'target' | 'consul' | 'token' | 'ca'>;
  /** How to find the loggers on Kubernetes, instead of by `client`; null where that is not asked for. */
  readonly kube: KubeOptions | null;
  readonly json: boolean;
  readonly timeoutMs: number;
  /** Of `tail`; null where not given. */
  readonly from: number | 'earliest' | 'latest' | null;
  /** Of `tail`: milliseconds since 1970; null where not given. */
  readonly sinceMs: number | null;
  readonly follow: boolean;
  /** Of `produce`: where its lines come from; null where not given. */
  readonly file: string | null;
  readonly bench: BenchArguments;
  readonly load: LoadArguments;
  readonly verify: VerifyArguments;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';
const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_MS = 24 * 3600 * 1000;
const ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

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
    throw unknownOption(error);
  }
  const { values, positionals } = given;
  const version = values.version === true;
  const help = values.help === true || (positionals.length === 0 && !version) || positionals[0] === 'help';
  const { command, operands } = commandIn(positionals[0] === 'help' ? positionals.slice(1) : positionals);
  if (!help && !version) checkOperands(command as Command, operands);
  checkOwners(values, command);
  checkTailAndProduce(values, command, operands);
  return {
    command,
    help,
    version,
    operands,
    kube: refusing(command, () => kubeArgumentsOf(values)),
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
    bench: refusing(command, () => benchArgumentsOf(command === 'bench' ? values : {})),
    load: refusing(command, () => loadArgumentsOf(command === 'load' ? values : {})),
    verify: refusing(command, () => verifyArgumentsOf(values)),
  };
}

function unknownOption(error: unknown): UsageError {
  // Node's own message goes on with advice about `--` that does not help here.
  const message = messageOf(error).replace(/\. To specify.*/s, '');
  const option = /^Unknown option '--([^']*)'/.exec(message)?.[1];
  const meant = option === undefined ? null : nearest(option, Object.keys(OPTIONS));
  return new UsageError(message, null, meant && `--${meant}`);
}

function checkOwners(values: Given, command: Command | null): void {
  for (const name of Object.keys(values) as OptionName[]) {
    const owners = ownersOf(name);
    if (owners.length > 0 && !(command !== null && owners.includes(command)))
      throw new UsageError(`--${name} belongs to ${owners.join(' and ')}`, command);
  }
}

function checkTailAndProduce(values: Given, command: Command | null, operands: readonly string[]): void {
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
  if (!one) throw unknownCommand(first, second);
  return { command: one, operands: second === undefined ? [] : [second, ...rest] };
}

function unknownCommand(first: string, second: string | undefined): UsageError {
  const meant =
    second !== undefined && first.startsWith('m')
      ? nearest(`${first} ${second}`, COMMANDS)
      : nearest(first, COMMANDS);
  return new UsageError(`there is no command ${JSON.stringify(first)}`, null, meant && `dlog ${meant}`);
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const refuse = (message: string): never => {
    throw new UsageError(message, command);
  };
  const [first, second] = operands;
  if (command === 'members' && first !== undefined)
    refuse(`members takes add or remove, not ${JSON.stringify(first)}`);
  if (
    (command === 'status' || command === 'tail' || command === 'load' || command === 'bench') &&
    first !== undefined
  )
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
  // Node has replaced what is not UTF-8 by then.
  if (command === 'produce' && operands.some((text) => text.includes('\ufffd')))
    refuse('a text is not UTF-8 (or holds U+FFFD): bytes are sent as they are from the input or a --file');
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
    return given ? { token: printable(given, token === undefined ? 'DLOG_TOKEN' : '--token', command) } : {};
  }
  return { token: printable(textIn('--token-file', file, command), '--token-file', command) };
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

/** Other characters do not fit into a header field: every request would fail. The token itself is not shown. */
function printable(token: string, where: string, command: Command | null): string {
  if (!/^[\x21-\x7e]*$/.test(token))
    throw new UsageError(`${where} holds a character that no token has`, command);
  return token;
}

/** What the client takes for the base of its paths. */
function isBaseUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
}

/** `--url` goes before `--consul` in the environment; given both, both are used. */
function whereTo(
  { url, consul, cluster, kube }: Given,
  environment: Readonly<Record<string, string | undefined>>,
  command: Command | null,
): Invocation['client'] {
  if ((consul || kube) && (command === 'load' || command === 'verify'))
    throw new UsageError(`${command} takes --url, not ${consul ? '--consul' : '--kube'}`, command);
  if (kube) return {};
  for (const one of [...(url ?? []), ...(consul ?? [])])
    if (!isBaseUrl(one))
      throw new UsageError(`${JSON.stringify(one)} is not an http:// or https:// URL`, command);
  if (cluster !== undefined && !consul)
    throw new UsageError('--cluster names a cluster in Consul: it needs --consul', command);
  if (cluster !== undefined && !ID.test(cluster))
    throw new UsageError(`--cluster is ${JSON.stringify(cluster)}: it takes such as default`, command);
  const fromEnvironment = (environment.DLOG_URL || DEFAULT_URL).split(',').map((part) => part.trim());
  if (!url && !consul && !fromEnvironment.every(isBaseUrl))
    throw new UsageError(
      `DLOG_URL is ${JSON.stringify(environment.DLOG_URL)}: it takes http:// or https:// URLs, separated by commas`,
      command,
    );
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
  const from = file ? 'DLOG_CONSUL_TOKEN_FILE' : 'DLOG_CONSUL_TOKEN';
  const given = file ? textIn(from, file, command) : environment.DLOG_CONSUL_TOKEN;
  const token = printable(given ?? '', from, command);
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
