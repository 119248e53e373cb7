// The page's tables and plots of cost against the size of something: one dimension varies, the rest is as in the other runs.
import { round } from './numbers.ts';
import { count, type PageResult, type Section, tableOf } from './page.ts';
import { type Line, lines } from './plot.ts';

const USUAL = { sizeBytes: 1024, members: 3, producers: 1 } as const;
const MICROSECONDS = 1e6;

export function scaleSections(results: readonly PageResult[]): Section[] {
  const usualBut = (free: keyof typeof USUAL | null, ...works: string[]): PageResult[] =>
    results.filter(
      (run) =>
        works.includes(run.work) &&
        (['sizeBytes', 'members', 'producers'] as const).every(
          (name) => name === free || (run[name] ?? USUAL[name]) === USUAL[name],
        ),
    );
  const sections = [
    records(results.filter(({ work }) => work === 'length')),
    bySize(usualBut('sizeBytes', 'throughput'), usualBut('sizeBytes', 'latency')),
    readers(usualBut(null, 'fanout')),
    byMembers(usualBut('members', 'throughput'), usualBut('members', 'latency')),
    byProducers(usualBut('producers', 'throughput')),
  ];
  return sections.filter((section) => section !== null);
}

type Axis = 'records' | 'sizeBytes' | 'readers' | 'members' | 'producers';

/** In the order of the axis. */
const along = (axis: Axis, runs: readonly PageResult[]): PageResult[] =>
  runs.toSorted((one, other) => (one[axis] ?? 0) - (other[axis] ?? 0));

const line = (
  name: string,
  axis: Axis,
  runs: readonly PageResult[],
  figure: (run: PageResult) => number | undefined,
): Line => ({ name, points: runs.map((run) => [run[axis] ?? 0, figure(run) ?? 0]) });

const section = (
  name: string,
  table: string,
  title: string,
  xName: string,
  all: readonly Line[],
): Section => ({
  name,
  table,
  plots: { [name]: { title, svg: lines(title, xName, all) } },
});

const other = ({ usage }: PageResult): number | undefined => usage?.cores.other;

function records(unsorted: readonly PageResult[]): Section | null {
  const runs = along('records', unsorted);
  if (runs.length === 0) return null;
  const both = (one: number | undefined, two: number | undefined) => `${one} / ${two}`;
  const head = [
    'records',
    'append p50 / p99 ms',
    'read the first 100, p50 / p99 ms',
    'any 100',
    'the last 100',
    'start after SIGTERM, s',
    'after SIGKILL of all, s',
  ];
  const rows = runs.map(({ records, append, readFirst, readAnywhere, readLast, afterStop, afterKill }) => [
    count(records),
    ...[append, readFirst, readAnywhere, readLast].map((times) => both(times?.p50Ms, times?.p99Ms)),
    afterStop?.acknowledgedSeconds,
    afterKill?.acknowledgedSeconds,
  ]);
  return section('records', tableOf(head, rows), 'Records in the log: p50, ms', 'records', [
    line('append', 'records', runs, ({ append }) => append?.p50Ms),
    line('read the first 100', 'records', runs, ({ readFirst }) => readFirst?.p50Ms),
    line('read any 100', 'records', runs, ({ readAnywhere }) => readAnywhere?.p50Ms),
    line('read the last 100', 'records', runs, ({ readLast }) => readLast?.p50Ms),
  ]);
}

/** Throughput and latency along one axis: they run one after another, and are told in one row. */
function throughputAndLatency(axis: Axis, loads: readonly PageResult[], latencies: readonly PageResult[]) {
  const latencyOf = (load: PageResult) => latencies.find((latency) => latency[axis] === load[axis]);
  return along(axis, loads).map((load) => {
    const latency = latencyOf(load);
    const { ratePerSecond, megabytesPerSecond } = load;
    return [
      count(load[axis]),
      count(ratePerSecond),
      megabytesPerSecond,
      latency?.p50Ms,
      latency?.p99Ms,
      load.usage?.cores.servers,
      other(load),
    ];
  });
}

const BOTH = [
  'records/s',
  'MB/s',
  'one at a time: p50 ms',
  'p99 ms',
  'cores of the servers under load',
  'of others',
];

function bySize(loads: readonly PageResult[], latencies: readonly PageResult[]): Section | null {
  if (loads.length < 2) return null;
  const table = tableOf(['bytes', ...BOTH], throughputAndLatency('sizeBytes', loads, latencies));
  return section('size', table, 'Size of a record: MB a second', 'bytes', [
    line('one producer', 'sizeBytes', along('sizeBytes', loads), (run) => run.megabytesPerSecond),
  ]);
}

function byMembers(loads: readonly PageResult[], latencies: readonly PageResult[]): Section | null {
  if (loads.length < 2) return null;
  const table = tableOf(['members', ...BOTH], throughputAndLatency('members', loads, latencies));
  return section('members', table, 'Members: records of 1 KiB a second', 'members', [
    line('one producer', 'members', along('members', loads), (run) => run.ratePerSecond),
  ]);
}

function byProducers(loads: readonly PageResult[]): Section | null {
  if (loads.length < 2) return null;
  const runs = along('producers', loads);
  const rows = runs.map((run) => [
    count(run.producers),
    count(run.ratePerSecond),
    run.megabytesPerSecond,
    run.p50Ms,
    run.p99Ms,
    other(run),
  ]);
  const table = tableOf(['producers', 'records/s', 'MB/s', 'p50 ms', 'p99 ms', 'cores of others'], rows);
  return section('producers', table, 'Producers: records of 1 KiB a second', 'producers', [
    line('all together', 'producers', runs, (run) => run.ratePerSecond),
  ]);
}

function readers(unsorted: readonly PageResult[]): Section | null {
  const runs = along('readers', unsorted);
  const [first] = runs;
  if (first === undefined) return null;
  const cores = (run: PageResult): number => run.usage?.cores.servers ?? 0;
  /** What the servers' processors spend on one record for one reader more than in the first run. */
  const perReader = (run: PageResult): number | undefined => {
    const more = (run.readers ?? 0) - (first.readers ?? 0);
    if (more === 0) return undefined;
    return round(((cores(run) - cores(first)) / more / (run.ratePerSecond ?? 1)) * MICROSECONDS, 1);
  };
  const head = [
    'readers',
    'p50 ms',
    'p99 ms',
    'cores of the servers',
    'for each reader more and record, µs of processor',
    'cores of others',
  ];
  const rows = runs.map((run) => [
    count(run.readers),
    run.p50Ms,
    run.p99Ms,
    cores(run),
    perReader(run),
    other(run),
  ]);
  return section('readers', tableOf(head, rows), 'Live readers: cores of the servers', 'readers', [
    line('1,000 records/s', 'readers', runs, cores),
  ]);
}
