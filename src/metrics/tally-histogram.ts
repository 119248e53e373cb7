// A histogram for what happens thousands of times a second: each set of labels has a cell that its user keeps and observes with,
// and buckets are made of the cells at a scrape. prom-client's own looks labels and bucket up by text each time.
import type { Histogram, Registry } from 'prom-client';

export interface HistogramCell {
  observe(value: number): void;
}

export interface TallyHistogram {
  /** A new cell for these labels, in the order of the names; there must be no other for them. */
  cell(...labels: string[]): HistogramCell;
}

export interface TallyHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

class Cell implements HistogramCell {
  readonly labels: Readonly<Record<string, string>>;
  readonly #bounds: Float64Array;
  /** One more than bounds: what is above all of them. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(labels: Readonly<Record<string, string>>, bounds: Float64Array) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`${value} cannot be observed`);
    let at = 0;
    while (at < this.#bounds.length && value > this.#bounds[at]!) at += 1;
    this.#counts[at]! += 1;
    this.#sum += value;
  }

  *values(name: string): Generator<Value> {
    let count = 0;
    for (const [at, inBucket] of this.#counts.entries()) {
      count += inBucket;
      const le = this.#bounds[at] ?? '+Inf';
      yield { metricName: `${name}_bucket`, labels: { le, ...this.labels }, value: count };
    }
    yield { metricName: `${name}_sum`, labels: this.labels, value: this.#sum };
    yield { metricName: `${name}_count`, labels: this.labels, value: count };
  }
}

export function tallyHistogram(registry: Registry, options: TallyHistogramOptions): TallyHistogram {
  const { name, help, labelNames, buckets } = options;
  const bounds = Float64Array.from(buckets);
  const cells: Cell[] = [];
  const what = { name, help, type: 'histogram', aggregator: 'sum' };
  const values = (): Value[] => cells.flatMap((cell) => [...cell.values(name)]);
  const metric = { ...what, labelNames, get: () => Promise.resolve({ ...what, values: values() }) };
  // A registry asks no more of a metric than its name and what `get` gives; its type is that of the library's classes.
  registry.registerMetric(metric as unknown as Histogram);
  return {
    cell(...labels) {
      if (labels.length !== labelNames.length)
        throw new TypeError(`${name} has ${labelNames.length} labels, not ${labels.length}`);
      const cell = new Cell(Object.fromEntries(labelNames.map((label, at) => [label, labels[at]!])), bounds);
      cells.push(cell);
      return cell;
    },
  };
}
