// The command line of `npm start`. Everything that is wrong is told at once, with what would be right.
import { parseArgs } from 'node:util';
import { messageOf } from '../errors.ts';

export interface StackFlags {
  readonly nodes: number;
  /** 0 takes free ports. */
  readonly basePort: number;
  /** Messages a second; 0 starts no producer. */
  readonly rate: number;
  /** Null for a temporary directory, removed at the end. */
  readonly data: string | null;
  readonly json: boolean;
  /** Base URLs of a running Consul; null to start one. */
  readonly consul: readonly string[] | null;
}

export type Parsed =
  | { readonly kind: 'run'; readonly flags: StackFlags }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] };

export const USAGE = `Usage: npm start -- [flags]

Runs Consul, loggers and a producer on this machine, as processes, and shows what happens.

  --nodes N          loggers, 1 to 7 (3)
  --base-port PORT   API of the first logger (8081); the others count on from it, Consul is
                     419 above (8500), replication 1000, the producer's probes 100; 0 takes free ports
  --rate R           messages a second (1); 0 starts no producer
  --data DIR         keep logs and Consul's data there; a temporary directory unless given
  --consul ADDRESS   use a running Consul, as http://127.0.0.1:8500; several separated by commas
  --json             events as JSON, one a line
  --help             this text

On a terminal: k kills the leader, t transfers leadership, p pauses and resumes the leader, q ends all.`;

const MAX_NODES = 7;
/** The highest port in use is 1000 above the base port, and one more for each logger. */
const MAX_BASE_PORT = 65_535 - 1_000 - MAX_NODES;
const MAX_RATE = 10_000;

const options = {
  nodes: { type: 'string', default: '3' },
  'base-port': { type: 'string', default: '8081' },
  rate: { type: 'string', default: '1' },
  data: { type: 'string' },
  consul: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export function parseFlags(args: readonly string[]): Parsed {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(args);
  } catch (error) {
    // Node's own message goes on with advice about `--` that does not help here.
    return { kind: 'wrong', problems: [messageOf(error).replace(/\. To specify.*/s, '')] };
  }
  if (given.help) return { kind: 'help' };
  const problems: string[] = [];
  const flags: StackFlags = {
    nodes: whole('--nodes', given.nodes, 1, MAX_NODES, problems),
    basePort: whole('--base-port', given['base-port'], 0, MAX_BASE_PORT, problems),
    rate: rate(given.rate, problems),
    data: directory(given.data, problems),
    json: given.json,
    consul: given.consul === undefined ? null : addresses(given.consul, problems),
  };
  return problems.length > 0 ? { kind: 'wrong', problems } : { kind: 'run', flags };
}

const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options, allowPositionals: false }).values;

function whole(flag: string, text: string, low: number, high: number, problems: string[]): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high))
    problems.push(`${flag} is ${JSON.stringify(text)}: it takes a whole number from ${low} to ${high}`);
  return value;
}

function rate(text: string, problems: string[]): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_RATE))
    problems.push(`--rate is ${JSON.stringify(text)}: it takes a number from 0 to ${MAX_RATE}`);
  return value;
}

function directory(text: string | undefined, problems: string[]): string | null {
  if (text === '') problems.push('--data is empty: it takes a directory');
  return text ?? null;
}

function addresses(text: string, problems: string[]): readonly string[] {
  return text.split(',').map((part) => {
    const address = /^https?:\/\//.test(part.trim()) ? part.trim() : `http://${part.trim()}`;
    const url = URL.canParse(address) ? new URL(address) : null;
    if (url === null || url.search !== '' || url.hash !== '') {
      problems.push(`--consul is ${JSON.stringify(text)}: it takes addresses such as http://127.0.0.1:8500`);
      return '';
    }
    return url.href.replace(/\/$/, '');
  });
}
