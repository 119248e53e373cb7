// The measured parts of docs/reference/performance.md, from lines of `npm run bench -- figures` and `scale`. What stands between
// `<!-- NAME: … -->` and `<!-- end of NAME -->` is made here, the rest of the page is written by hand.
import type { Started } from './long-log.ts';
import type { Quantiles } from './numbers.ts';
import { scaleSections } from './page-scale.ts';
import { bars } from './plot.ts';
import { type Usage, WARMUP_SECONDS } from './usage.ts';

/** A result of any work: what it has of these. */
export interface PageResult extends Partial<Quantiles> {
  readonly series: string;
  readonly work: string;
  readonly sizeBytes?: number;
  readonly members?: number;
  readonly producers?: number;
  readonly clients?: number;
  readonly readers?: number;
  readonly records?: number;
  readonly warmupSeconds?: number;
  readonly mebibytes?: number;
  readonly ratePerSecond?: number;
  readonly megabytesPerSecond?: number;
  readonly usage?: Usage;
  readonly fsync?: { readonly p50Ms: number };
  readonly signal?: string;
  readonly runs?: number;
  readonly medianMs?: number;
  readonly failedRequests?: Readonly<Record<string, number>>;
  readonly loggers?: readonly {
    readonly role: string;
    readonly rssMiB: number;
    readonly corePercent: number;
  }[];
  readonly afterStop?: Started;
  readonly afterKill?: Started;
  readonly append?: Quantiles;
  readonly readFirst?: Quantiles;
  readonly readAnywhere?: Quantiles;
  readonly readLast?: Quantiles;
  readonly capacityPerSecond?: number;
  readonly offeredPerSecond?: number;
  readonly acceptedPerSecond?: number;
  readonly refused?: Readonly<Record<string, number>>;
  readonly withoutRetryAfter?: number;
  readonly leaderRssMiB?: readonly number[];
  readonly lost?: number;
}

export interface Section {
  readonly name: string;
  readonly table: string;
  /** Title and SVG by name of file. */
  readonly plots: Readonly<Record<string, { readonly title: string; readonly svg: string }>>;
}

type Cell = string | number | undefined;

export const count = (value: number | undefined): Cell => value?.toLocaleString('en');

export function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows.map((row) => row.map((cell) => cell ?? ''))];
  return lines.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Sections for which `results` has a figure. Of runs of one work with the same settings the last one counts. */
export function sectionsOf(results: readonly PageResult[]): Section[] {
  const of = (series: string): PageResult[] => [
    ...new Map(
      results.filter((result) => result.series === series).map((result) => [keyOf(result), result]),
    ).values(),
  ];
  return [...figureSections(of('figures')), ...scaleSections(of('scale'))];
}

const keyOf = ({
  work,
  sizeBytes,
  members,
  producers,
  clients,
  readers,
  records,
  warmupSeconds,
  signal,
}: PageResult): string =>
  [
    work,
    sizeBytes !== undefined && `${sizeBytes} B`,
    members !== undefined && members !== 3 && `${members} members`,
    producers !== undefined && producers !== 1 && `${producers} producers`,
    clients !== undefined && `${clients} clients`,
    readers !== undefined && `${readers} readers`,
    records !== undefined && `${records} records`,
    warmupSeconds !== undefined && warmupSeconds !== WARMUP_SECONDS && `after ${warmupSeconds} s`,
    signal,
  ]
    .filter((part) => part)
    .join(', ');

function figureSections(results: readonly PageResult[]): Section[] {
  const of = (...works: string[]): PageResult[] => results.filter(({ work }) => works.includes(work));
  const plain = (name: string, work: string, table: (runs: readonly PageResult[]) => string): Section[] =>
    of(work).length === 0 ? [] : [{ name, table: table(of(work)), plots: {} }];
  return [
    ...resultsSection(of('throughput', 'latency', 'rate', 'http', 'fanout')),
    ...plain('takeover', 'failover', takeoverTable),
    ...plain('idle', 'idle', idleTable),
    ...plain('start', 'recovery', startTable),
    ...plain('overload', 'overload', overloadTable),
  ];
}

function resultsSection(runs: readonly PageResult[]): Section[] {
  if (runs.length === 0) return [];
  const head = ['work', 'records/s', 'MB/s', 'p50 ms', 'p99 ms', 'p99.9 ms'];
  const rows = runs.map((run) => {
    const { servers = '', client = '', other = '' } = run.usage?.cores ?? {};
    const times = [run.p50Ms, run.p99Ms, run.p999Ms];
    const rate = [run.ratePerSecond, run.megabytesPerSecond];
    return [keyOf(run), ...rate, ...times, `${servers} / ${client} / ${other}`, run.fsync?.p50Ms];
  });
  const plot = (
    title: string,
    unit: string,
    works: readonly string[],
    figure: (run: PageResult) => Cell,
  ) => ({
    title,
    svg: bars(
      title,
      unit,
      runs.filter(({ work }) => works.includes(work)).map((run) => [keyOf(run), Number(figure(run))]),
    ),
  });
  return [
    {
      name: 'results',
      table: tableOf([...head, 'cores: servers / client / other', 'fsync p50 ms'], rows),
      plots: {
        throughput: plot(
          'Throughput: records a second',
          '/s',
          ['throughput', 'http'],
          ({ ratePerSecond }) => ratePerSecond,
        ),
        latency: plot('Latency: p99', 'ms', ['latency', 'rate', 'fanout'], ({ p99Ms }) => p99Ms),
      },
    },
  ];
}

const takeoverTable = (runs: readonly PageResult[]): string =>
  tableOf(
    ['signal', 'runs', 'median', 'p99', 'longest', 'failed requests, repeated by the client'],
    runs.map(({ signal, runs: times, medianMs, p99Ms, maxMs, failedRequests = {} }) => [
      signal === 'SIGTERM' ? 'SIGTERM (planned handover)' : signal,
      times,
      ...[medianMs, p99Ms, maxMs].map((ms) => `${ms} ms`),
      Object.values(failedRequests).reduce((sum, failed) => sum + failed, 0),
    ]),
  );

const idleTable = (runs: readonly PageResult[]): string =>
  tableOf(
    ['logger', 'resident, MiB', 'of a core, %'],
    runs.flatMap(({ loggers = [] }) =>
      loggers.map(({ role, rssMiB, corePercent }) => [role, rssMiB, corePercent]),
    ),
  );

const startTable = (runs: readonly PageResult[]): string =>
  tableOf(
    ['log, MiB', 'after', 'all ready (reads), s', 'first append acknowledged, s'],
    runs.flatMap(({ mebibytes, afterStop, afterKill }) => [
      [mebibytes, 'SIGTERM', afterStop?.readySeconds, afterStop?.acknowledgedSeconds],
      [mebibytes, 'SIGKILL of all', afterKill?.readySeconds, afterKill?.acknowledgedSeconds],
    ]),
  );

const overloadTable = (runs: readonly PageResult[]): string =>
  tableOf(
    [
      'taken/s from clients that wait',
      'sent/s',
      'accepted/s',
      'refused, by status',
      'without Retry-After',
      'p50 ms',
      'p99 ms',
      "leader's memory over the run, MiB",
      'lost',
    ],
    runs.map((run) => [
      count(run.capacityPerSecond),
      count(run.offeredPerSecond),
      count(run.acceptedPerSecond),
      Object.entries(run.refused ?? {})
        .map(([status, times]) => `${status}: ${count(times)}`)
        .join(', '),
      run.withoutRetryAfter,
      run.p50Ms,
      run.p99Ms,
      (run.leaderRssMiB ?? []).join(', '),
      run.lost,
    ]),
  );

/** `page` with the text of each section in its place. Throws where the page has no place for one. */
export function withSections(page: string, sections: readonly Section[]): string {
  let text = page;
  for (const { name, table, plots } of sections) {
    const begin = new RegExp(`<!-- ${name}: [^\n]*-->\n`).exec(text);
    const end = text.indexOf(`<!-- end of ${name} -->`);
    if (begin === null || end < begin.index) throw new Error(`the page has no place for ${name}`);
    const images = Object.entries(plots).map(([file, { title }]) => `![${title}](performance-${file}.svg)`);
    const middle = [table, ...images].join('\n\n');
    text = `${text.slice(0, begin.index + begin[0].length)}\n${middle}\n\n${text.slice(end)}`;
  }
  return text;
}
