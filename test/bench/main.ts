// `npm run bench -- WORK`: measures real processes with a real Consul on this machine. One object a run with --json.
import { BOUNDS } from '../../src/api/bounds.ts';
import { tuneEngine } from '../../src/engine.ts';
import { catchUp } from './catch-up.ts';
import { comparePeers, comparisonTable, type OwnFigure } from './compare.ts';
import { failover } from './failover.ts';
import { fanout } from './fanout.ts';
import { http } from './http.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { length } from './length.ts';
import { asked, usage, whole } from './options.ts';
import { overload } from './overload.ts';
import { isWhole, type ReadBack } from './read-back.ts';
import { recovery } from './recovery.ts';
import { runSeries, SERIES } from './series.ts';
import { throughput } from './throughput.ts';
import { syncProbe, WARMUP_SECONDS } from './usage.ts';

tuneEngine();

const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const;
/** As for every peer: Kafka's client took seconds for its first records. */
const RATE_WARMUP_SECONDS = 20;
const SECONDS = [1, 3600] as const;
const PER_SECOND = [1, 100_000] as const;
const size = (fallback = '1024') => whole('size', [13, 1024 * 1024], fallback);
const members = () => whole('members', [1, 7]);
const load = (seconds: string) => ({
  sizeBytes: size(),
  seconds: whole('seconds', SECONDS, seconds),
  warmupSeconds: WARMUP_SECONDS,
  members: members(),
});
const warmup = () => ({ warmupSeconds: whole('warmup', [0, 3600], String(WARMUP_SECONDS)) });

async function compare(): Promise<object> {
  const { PEERS } = process.env;
  if (PEERS === undefined || PEERS === '')
    usage('PEERS is not set: it names the command that measures the peers');
  const own: OwnFigure[] = [];
  for (const sizeBytes of [1024, 100])
    own.push({
      workload: 'W1 throughput',
      ...(await throughput({ ...load('20'), sizeBytes, producers: 1 })),
    });
  for (const [workload, seconds, warmupSeconds, ratePerSecond] of [
    ['W2 latency', '10', WARMUP_SECONDS, null],
    ['W4 rate', '60', RATE_WARMUP_SECONDS, whole('rate', PER_SECOND)],
  ] as const) {
    const options = { ...load(seconds), warmupSeconds, sizeBytes: 1024, ratePerSecond };
    own.push({ workload, ...(await latency(options)) });
  }
  const peers = await comparePeers(PEERS, own);
  if (!asked.json) process.stdout.write(`${comparisonTable(peers)}\n`);
  return { work: 'compare', own, peers };
}

const WORKS: Readonly<Record<string, () => Promise<object>>> = {
  failover: () =>
    failover({
      signal: SIGNALS.find((name) => name === asked.signal) ?? usage(`unknown signal: ${asked.signal}`),
      runs: whole('runs', [1, 1000]),
      pauseMs: whole('pause-ms', [0, 10_000]),
      log: (line) => asked.json || process.stderr.write(`${line}\n`),
    }),
  throughput: () => throughput({ ...load('20'), producers: whole('producers', [1, 100]) }),
  latency: () => latency({ ...load('10'), ...warmup(), ratePerSecond: null }),
  rate: () => latency({ ...load('60'), ...warmup(), ratePerSecond: whole('rate', PER_SECOND) }),
  http: () => http({ ...load('10'), clients: whole('clients', [1, BOUNDS.maxConnectionsPerAddress]) }),
  fanout: () =>
    fanout({
      ...load('10'),
      readers: whole('readers', [1, 1000], '100'),
      ratePerSecond: whole('rate', PER_SECOND),
    }),
  'catch-up': () =>
    catchUp({
      records: whole('records', [1, 100_000_000]),
      sizeBytes: size(),
      readers: whole('readers', [1, 1000], '10'),
    }),
  recovery: () => recovery({ mebibytes: whole('mebibytes', [1, 65_536]) }),
  length: () =>
    length({
      records: whole('records', [1, 100_000_000]),
      sizeBytes: size('100'),
      seconds: whole('seconds', SECONDS, '5'),
    }),
  idle: () => idle({ members: members(), seconds: whole('seconds', SECONDS, '30') }),
  overload: () =>
    overload({
      sizeBytes: size(),
      seconds: whole('seconds', SECONDS, '60'),
      pendingMax: whole('pending', [1, 10_000]),
    }),
  compare,
};

async function once(name: string, work: () => Promise<object>): Promise<void> {
  const fsync = name === 'failover' ? {} : { fsync: syncProbe() };
  const result: object & { readBack?: ReadBack } = { ...(await work()), ...fsync };
  if (asked.json) console.log(JSON.stringify(result));
  else console.dir(result, { depth: null });
  const { lost = 0, twice = 0, outOfOrder = 0, missed = 0 } = result as Partial<Record<string, number>>;
  if (lost + twice + outOfOrder + missed > 0 || (result.readBack && !isWhole(result.readBack)))
    process.exitCode = 1;
}

const [name = '', ...rest] = asked.words;
const [work, series] = [WORKS[name], SERIES[name]];
if (rest.length > 0 || (work === undefined && series === undefined))
  usage(asked.words.length === 0 ? 'no work is named' : `unknown work: ${asked.words.join(' ')}`);
if (series) await runSeries(name, series, { write: asked.write });
else if (asked.write) usage('--write goes with figures and scale');
else if (work) await once(name, work);
