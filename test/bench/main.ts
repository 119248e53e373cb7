// `npm run bench -- WORK`: measures real processes with a real Consul on this machine. One object a run with --json.
import { parseArgs } from 'node:util';
import { countBuffersWithHeap } from '../../src/heap.ts';
import { failover } from './failover.ts';
import { latency } from './latency.ts';
import { isWhole, type ReadBack } from './read-back.ts';
import { throughput } from './throughput.ts';
import { syncProbe } from './usage.ts';

countBuffersWithHeap();

const USAGE = `usage: npm run bench -- WORK [--json] [flags]

  failover    [--signal SIGKILL|SIGTERM|SIGSTOP] [--runs N] [--pause-ms MS]
  throughput  [--size BYTES] [--seconds N] [--members N]     one producer, as fast as it goes
  latency     [--size BYTES] [--seconds N] [--members N]     one record in flight
  rate        [--size BYTES] [--seconds N] [--rate N]        records at a fixed rate`;
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const;
const EXIT_USAGE = 64;
const WARMUP_SECONDS = 3;

function usage(problem: string): never {
  process.stderr.write(`${problem}\n${USAGE}\n`);
  process.exit(EXIT_USAGE);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        signal: { type: 'string', default: 'SIGKILL' },
        runs: { type: 'string', default: '20' },
        'pause-ms': { type: 'string', default: '5' },
        size: { type: 'string', default: '1024' },
        seconds: { type: 'string' },
        members: { type: 'string', default: '3' },
        rate: { type: 'string', default: '1000' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

const { values, positionals } = parse();

function whole(
  name: 'runs' | 'pause-ms' | 'size' | 'seconds' | 'members' | 'rate',
  [low, high]: [number, number],
  fallback = '',
): number {
  const text = values[name] ?? fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) usage(`--${name} takes a whole number from ${low} to ${high}`);
  return value;
}

const load = (seconds: string) => ({
  sizeBytes: whole('size', [13, 1024 * 1024]),
  seconds: whole('seconds', [1, 3600], seconds),
  warmupSeconds: WARMUP_SECONDS,
  members: whole('members', [1, 7]),
});

const WORKS: Readonly<Record<string, () => Promise<object>>> = {
  failover: () =>
    failover({
      signal: SIGNALS.find((name) => name === values.signal) ?? usage(`unknown signal: ${values.signal}`),
      runs: whole('runs', [1, 1000]),
      pauseMs: whole('pause-ms', [0, 10_000]),
      log: (line) => values.json || process.stderr.write(`${line}\n`),
    }),
  throughput: () => throughput(load('20')),
  latency: () => latency({ ...load('10'), ratePerSecond: null }),
  rate: () => latency({ ...load('60'), ratePerSecond: whole('rate', [1, 100_000]) }),
};

const [name = 'none', ...rest] = positionals;
const work = WORKS[name];
if (work === undefined || rest.length > 0) usage(`unknown work: ${positionals.join(' ') || 'none'}`);

const fsync = name === 'failover' ? {} : { fsync: syncProbe() };
const result: object & { readBack?: ReadBack; lost?: number } = { ...(await work()), ...fsync };
if (values.json) console.log(JSON.stringify(result));
else console.log(result);
const { lost = 0, twice = 0, outOfOrder = 0 } = result as Partial<Record<string, number>>;
if (lost + twice + outOfOrder > 0 || (result.readBack && !isWhole(result.readBack))) process.exitCode = 1;
