// Small arithmetic on measured figures.

/** The value at or above which a share of `1 - q` of the sorted figures lies: the nearest rank, no interpolation. */
export const quantile = (sorted: ArrayLike<number>, q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * q) - 1)] ?? 0;

export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

export interface Quantiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** Of figures in any order. */
export function quantiles(figuresMs: Iterable<number>): Quantiles {
  const sorted = Float64Array.from(figuresMs).sort();
  const at = (q: number): number => round(quantile(sorted, q), 3);
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) };
}
