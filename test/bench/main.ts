// `npm run bench -- WORK`: measures real processes with a real Consul on this machine. One object a run with --json.
import { parseArgs } from 'node:util';
import { tuneEngine } from '../../src/engine.ts';
import { comparePeers, type OwnFigure } from './compare.ts';
import { failover } from './failover.ts';
import { fanout } from './fanout.ts';
import { http } from './http.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { overload } from './overload.ts';
import { isWhole, type ReadBack } from './read-back.ts';
import { recovery } from './recovery.ts';
import { throughput } from './throughput.ts';
import { syncProbe } from './usage.ts';

tuneEngine();

const USAGE = `usage: npm run bench -- WORK [--json] [flags]

  failover    [--signal SIGKILL|SIGTERM|SIGSTOP] [--runs N] [--pause-ms MS]
  throughput  [--size BYTES] [--seconds N] [--members N]     one producer, as fast as it goes
  latency     [--size BYTES] [--seconds N] [--members N]     one record in flight
  rate        [--size BYTES] [--seconds N] [--rate N]        records at a fixed rate
  http        [--size BYTES] [--seconds N] [--clients N]     plain HTTP, one record a request
  fanout      [--size BYTES] [--seconds N] [--rate N] [--readers N]   live readers
  recovery    [--mebibytes N]                                start with a long log
  idle        [--seconds N] [--members N]                    memory and processor of idle loggers
  overload    [--size BYTES] [--seconds N]                   twice what can be taken
  compare     [--seconds N]    throughput and latency, and those of the command in PEERS`;
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
        clients: { type: 'string', default: '64' },
        readers: { type: 'string', default: '100' },
        mebibytes: { type: 'string', default: '1024' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

const { values, positionals } = parse();

type Flag = Exclude<keyof typeof values, 'json' | 'signal'>;

function whole(name: Flag, [low, high]: readonly [number, number], fallback = ''): number {
  const text = values[name] ?? fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) usage(`--${name} takes a whole number from ${low} to ${high}`);
  return value;
}

const SECONDS = [1, 3600] as const;
const sizeBytes = whole('size', [13, 1024 * 1024]);
const members = whole('members', [1, 7]);
const load = (seconds: string) => ({
  sizeBytes,
  seconds: whole('seconds', SECONDS, seconds),
  warmupSeconds: WARMUP_SECONDS,
  members,
});

async function compare(): Promise<object> {
  const { PEERS } = process.env;
  if (PEERS === undefined || PEERS === '')
    usage('PEERS is not set: it names the command that measures the peers');
  const own: OwnFigure[] = [];
  for (const size of [1024, 100])
    own.push({ workload: 'W1 throughput', ...(await throughput({ ...load('20'), sizeBytes: size })) });
  own.push({
    workload: 'W2 latency',
    ...(await latency({ ...load('10'), sizeBytes: 1024, ratePerSecond: null })),
  });
  return { work: 'compare', own, peers: await comparePeers(PEERS, own) };
}

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
  http: () => http({ ...load('10'), clients: whole('clients', [1, 10_000]) }),
  fanout: () =>
    fanout({
      ...load('10'),
      readers: whole('readers', [1, 1000]),
      ratePerSecond: whole('rate', [1, 100_000]),
    }),
  recovery: () => recovery({ mebibytes: whole('mebibytes', [1, 65_536]) }),
  idle: () => idle({ members, seconds: whole('seconds', SECONDS, '30') }),
  overload: () => overload({ sizeBytes, seconds: whole('seconds', SECONDS, '60') }),
  compare,
};

const [name = 'none', ...rest] = positionals;
const work = WORKS[name];
if (work === undefined || rest.length > 0) usage(`unknown work: ${positionals.join(' ') || 'none'}`);

const fsync = name === 'failover' ? {} : { fsync: syncProbe() };
const result: object & { readBack?: ReadBack } = { ...(await work()), ...fsync };
if (values.json) console.log(JSON.stringify(result));
else console.dir(result, { depth: null });
const { lost = 0, twice = 0, outOfOrder = 0, missed = 0 } = result as Partial<Record<string, number>>;
if (lost + twice + outOfOrder + missed > 0 || (result.readBack && !isWhole(result.readBack)))
  process.exitCode = 1;
