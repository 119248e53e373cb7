// What all programs' metrics share: the prefix, the build, the process, and short ways to make an instrument.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type TallyHistogram, tallyHistogram } from './tally-histogram.ts';

const PREFIX = 'distributed_logger_';

/** Gauges among prom-client's process metrics whose names end as a counter's should; the same is there by type of resource. */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

/**
 * How often the event loop's delay is measured, each time by a timer. Its metrics count the whole time between two turns of that
 * timer, so that they read as much when nothing is late. prom-client's 10 ms would wake an idle process 100 times a second.
 */
export const LOOP_PROBE_MS = 50;

export interface Build {
  readonly version: string;
  /** Node's version. */
  readonly node: string;
}

/** Only ever added to. */
export interface Cell {
  sum: number;
}

export interface Tally {
  /** A new cell for these labels; several for the same add up. */
  cell(...labels: string[]): Cell;
}

export type Instruments = ReturnType<typeof createInstruments>;

/** A registry with the build and the process in it, and what makes more instruments there. */
export function createInstruments(build: Build) {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: PREFIX + name, help, labelNames, registers });
  gauge('build_info', '1, with the build as labels', ['version', 'node'])
    .labels(build.version, build.node)
    .set(1);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_PROBE_MS });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return {
    registry,
    gauge,
    /** A gauge that is read at each scrape; null or NaN leaves it out. */
    read: (name: string, help: string, read: () => number | null | Promise<number | null>) =>
      new Gauge({
        name: PREFIX + name,
        help,
        registers,
        async collect() {
          const value = await read();
          if (value === null || Number.isNaN(value)) this.remove();
          else this.set(value);
        },
      }),
    /** Gauges with one label, read at each scrape: exactly the values given are shown. */
    readEach: (name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>) =>
      new Gauge({
        name: PREFIX + name,
        help,
        labelNames: [label],
        registers,
        collect() {
          this.reset();
          for (const [value, now] of read()) this.labels(value).set(now);
        },
      }),
    /**
     * A counter for what happens thousands of times a second: each set of labels has a cell that its user keeps and adds to,
     * and the cells are handed over at a scrape. Counting costs an addition, where a counter looks its labels up.
     */
    tally: (name: string, help: string, labelNames: readonly string[]): Tally => {
      const cells: { readonly labels: readonly string[]; readonly cell: Cell }[] = [];
      new Counter({
        name: PREFIX + name,
        help,
        labelNames: [...labelNames],
        registers,
        collect() {
          this.reset();
          for (const { labels, cell } of cells) this.labels(...labels).inc(cell.sum);
        },
      });
      return {
        cell(...labels) {
          const cell = { sum: 0 };
          cells.push({ labels, cell });
          return cell;
        },
      };
    },
    /** A histogram of the same kind; the user keeps its cells. */
    tallyHistogram: (
      name: string,
      help: string,
      labelNames: readonly string[],
      buckets: readonly number[],
    ): TallyHistogram => tallyHistogram(registry, { name: PREFIX + name, help, labelNames, buckets }),
    counter: <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Counter<L>({ name: PREFIX + name, help, labelNames, registers }),
    histogram: <L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[],
      buckets: readonly number[],
    ) => new Histogram<L>({ name: PREFIX + name, help, labelNames, buckets: [...buckets], registers }),
  };
}

/** A counter with one label whose values are known before: all of them begin at 0, so that a first increase is one. */
export function beginAtZero<L extends string>(counter: Counter<L>, values: readonly string[]): Counter<L> {
  for (const value of values) counter.labels(value).inc(0);
  return counter;
}

/** The same of a tally: a cell for each. */
export function tallyFromZero(tally: Tally, values: readonly string[]): Tally {
  for (const value of values) tally.cell(value);
  return tally;
}
