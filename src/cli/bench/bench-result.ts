// The figures of a bench, as an object and as a table.
import type { BenchArguments } from '../bench-arguments.ts';
import { table } from '../output.ts';
import { grouped } from '../status-line.ts';
import type { BenchRun } from './bench-run.ts';
import type { Checked } from './read-back.ts';

export interface BenchResult {
  readonly records: number;
  readonly recordBytes: number;
  readonly producers: number;
  /** Asked for, of each producer; null: as fast as they were acknowledged. */
  readonly ratePerSecond: number | null;
  readonly inFlight: number;
  /** From the first record until the last acknowledgement. */
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** Of values alone. */
  readonly bytesPerSecond: number;
  /** From when a record was sent, or was due, until its acknowledgement. */
  readonly latencyMs: {
    readonly min: number;
    readonly mean: number;
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  };
  readonly offsets: { readonly first: number; readonly last: number } | null;
  readonly epochs: { readonly first: number; readonly last: number } | null;
  /** Attempts that failed and were made again. */
  readonly retries: number;
  readonly check: Checked;
}

const rounded = (value: number): number => Number(value.toFixed(3));

export function resultOf(
  run: BenchRun,
  { sizeBytes, producers, ratePerSecond, inFlight }: BenchArguments,
  check: Checked,
  retries: number,
): BenchResult {
  const records = run.acknowledged.reduce((sum, { count }) => sum + count, 0);
  const firsts = run.acknowledged.flatMap(({ first }) => first ?? []);
  const last = Math.max(...run.acknowledged.map((each) => each.last));
  const ms = (us: number): number => (records === 0 ? 0 : rounded(us / 1000));
  const at = (percentile: number): number => ms(run.latencyUs.percentile(percentile));
  const { min, mean, max } = run.latencyUs;
  return {
    records,
    recordBytes: sizeBytes,
    producers,
    ratePerSecond,
    inFlight,
    seconds: rounded(run.seconds),
    recordsPerSecond: Math.round(records / run.seconds),
    bytesPerSecond: Math.round((records * sizeBytes) / run.seconds),
    latencyMs: {
      min: ms(min),
      mean: ms(mean),
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: ms(max),
    },
    offsets: firsts.length === 0 ? null : { first: Math.min(...firsts), last },
    epochs: run.epochs,
    retries,
    check,
  };
}

export function benchTable(result: BenchResult): string {
  const { records, recordBytes, producers, seconds, latencyMs, offsets, epochs, retries, check } = result;
  const of = `${grouped(recordBytes)} bytes, by ${producers} ${producers === 1 ? 'producer' : 'producers'}`;
  const megabytes = (result.bytesPerSecond / 1e6).toFixed(1);
  const { p50, p90, p99, p999, max } = latencyMs;
  return table([
    ['acknowledged', `${grouped(records)} records of ${of}, in ${seconds.toFixed(1)} s`],
    ['throughput', `${grouped(result.recordsPerSecond)} records/s, ${megabytes} MB/s`],
    ['latency', `p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms, p99.9 ${p999} ms, max ${max} ms`],
    ['offsets', offsets === null ? 'none' : `${offsets.first} to ${offsets.last}`],
    ['read back', checkText(check, records)],
    ['epochs', epochs === null ? 'none' : epochText(epochs)],
    ['retries', grouped(retries)],
  ]);
}

const epochText = ({ first, last }: { first: number; last: number }): string =>
  first === last ? `${first}` : `${first} to ${last}: leadership has moved`;

function checkText({ records, lost, repeated, misplaced }: Checked, all: number): string {
  const looked = records < all ? `the first ${grouped(records)}` : `all ${grouped(records)}`;
  return lost + repeated + misplaced === 0
    ? `${looked} are where they were acknowledged`
    : `of ${looked}: ${lost} lost, ${repeated} repeated or out of order, ${misplaced} at another offset`;
}
