// The options of `bench`; how long, how many and how fast are options of `load` too.
import { wholeNumber } from './whole-number.ts';

export const BENCH_OPTIONS = {
  size: { type: 'string' },
  'in-flight': { type: 'string' },
  yes: { type: 'boolean' },
} as const;

export const OPTIONS_OF_BENCH = ['size', 'in-flight', 'yes', 'producers', 'rate', 'seconds'] as const;

export interface BenchArguments {
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly producers: number;
  /** Records a second of each producer; null: as fast as they are acknowledged. */
  readonly ratePerSecond: number | null;
  /** Records of each producer that wait for their acknowledgement at a time. */
  readonly inFlight: number;
  /** Not to be asked whether records may be written. */
  readonly yes: boolean;
}

/** Room for what tells one record from all others. */
export const RECORD_BYTES_MIN = 32;

const LIMITS = {
  size: [RECORD_BYTES_MIN, 64 * 1024 * 1024],
  seconds: [1, 3600],
  producers: [1, 100],
  rate: [1, 1_000_000],
  'in-flight': [1, 1_000_000],
} as const;

type Given = { readonly [Name in keyof typeof LIMITS | 'yes']?: unknown };

/** Throws Error with what is wrong. */
export function benchArgumentsOf(given: Given): BenchArguments {
  const numberOf = (name: keyof typeof LIMITS) => wholeNumber(name, given[name], LIMITS[name]);
  return {
    sizeBytes: numberOf('size') ?? 100,
    seconds: numberOf('seconds') ?? 10,
    producers: numberOf('producers') ?? 1,
    ratePerSecond: numberOf('rate'),
    inFlight: numberOf('in-flight') ?? 1000,
    yes: given.yes === true,
  };
}
