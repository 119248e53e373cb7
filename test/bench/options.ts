// What `npm run bench` was asked for. A wrong word ends the process with the usage and code 64.
import { parseArgs } from 'node:util';

const USAGE = `usage: npm run bench -- WORK [--json] [flags]

  failover    [--signal SIGKILL|SIGTERM|SIGSTOP] [--runs N] [--pause-ms MS]
  throughput  [--size BYTES] [--seconds N] [--members N] [--producers N]   as fast as it goes
  latency     [--size BYTES] [--seconds N] [--members N] [--warmup N]   one record in flight
  rate        [--size BYTES] [--seconds N] [--rate N] [--warmup N]      records at a fixed rate
  http        [--size BYTES] [--seconds N] [--clients N]     plain HTTP, one record a request
  fanout      [--size BYTES] [--seconds N] [--rate N] [--readers N]   live readers
  catch-up    [--size BYTES] [--records N] [--readers N]     readers that catch up at the leader
  recovery    [--mebibytes N]                                start with a long log
  length      [--size BYTES] [--seconds N] [--records N]     appends, reads and starts with a long log
  idle        [--seconds N] [--members N]                    memory and processor of idle loggers
  overload    [--size BYTES] [--seconds N] [--pending N]     twice what can be taken
  compare     [--seconds N] [--rate N]    throughput and latency, and those of the command in PEERS

  figures     [--write]   the works above that docs/reference/performance.md tells of, one after another
  scale       [--write]   its tables of cost against records, size, readers, members and producers

The first seconds of each work are not counted: 3, or --warmup.
--json prints one object a run; --write puts the tables and plots into the page.
`;
const EXIT_USAGE = 64;

const OPTIONS = {
  help: { type: 'boolean', short: 'h', default: false },
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  signal: { type: 'string', default: 'SIGKILL' },
  runs: { type: 'string', default: '20' },
  'pause-ms': { type: 'string', default: '5' },
  size: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  members: { type: 'string', default: '3' },
  producers: { type: 'string', default: '1' },
  rate: { type: 'string', default: '1000' },
  clients: { type: 'string', default: '64' },
  readers: { type: 'string' },
  records: { type: 'string', default: '1000000' },
  mebibytes: { type: 'string', default: '1024' },
  pending: { type: 'string', default: '1000' },
} as const;

export function usage(problem: string): never {
  process.stderr.write(`${problem}\n\n${USAGE}`);
  process.exit(EXIT_USAGE);
}

function parse() {
  // Not strict: what parseArgs says of an unknown option is meant for programmers.
  const { tokens, values } = parseArgs({
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: OPTIONS,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = OPTIONS[token.name as keyof typeof OPTIONS];
    if (option === undefined) usage(`unknown option: ${token.rawName}`);
    if ((option.type === 'string') !== (token.value !== undefined && token.value !== ''))
      usage(`${token.rawName} takes ${option.type === 'string' ? 'a value' : 'no value'}`);
  }
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  return { values, words: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])) };
}

const { values, words } = parse();
export const asked = {
  words,
  json: values.json === true,
  write: values.write === true,
  signal: String(values.signal),
};

type Flag = Exclude<keyof typeof OPTIONS, 'help' | 'json' | 'write' | 'signal'>;

/** The whole number given with `--NAME`, or else its default, which a work may have of its own. */
export function whole(name: Flag, [low, high]: readonly [number, number], fallback = ''): number {
  const text = String(values[name] ?? fallback);
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) usage(`--${name} takes a whole number from ${low} to ${high}`);
  return value;
}
