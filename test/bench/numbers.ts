// Small arithmetic on measured figures.

/** The value at or above which a share of `1 - q` of the sorted figures lies: the nearest rank, no interpolation. */
export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * q) - 1)] ?? 0;

export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
