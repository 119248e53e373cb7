// Durations as counts on a logarithmic scale: one increment for each, quantiles to within a twelfth. The metrics' histograms
// have buckets for rates over minutes, too coarse for a chart of seconds.

/** Buckets for each doubling: neighbours differ by 2^(1/8), nine per cent. */
const STEPS = 8;
/** From a microsecond to 2^26, over a minute; what is longer counts as that. */
const BUCKETS = 26 * STEPS;

export interface Quantiles {
  readonly count: number;
  /** Milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class LatencyDigest {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #maxSeconds = 0;

  observe(seconds: number): void {
    const bucket = Math.floor(Math.log2(Math.max(1, seconds * 1e6)) * STEPS);
    this.#counts[Math.min(BUCKETS - 1, bucket)]! += 1;
    this.#count += 1;
    if (seconds > this.#maxSeconds) this.#maxSeconds = seconds;
  }

  /** What was observed since the last call; null when nothing was. */
  take(): Quantiles | null {
    const count = this.#count;
    if (count === 0) return null;
    const maxMs = rounded(this.#maxSeconds * 1000);
    const quantile = (share: number): number => Math.min(maxMs, this.#quantileMs(share));
    const quantiles = { count, p50Ms: quantile(0.5), p99Ms: quantile(0.99), maxMs };
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxSeconds = 0;
    return quantiles;
  }

  #quantileMs(share: number): number {
    let rest = Math.ceil(this.#count * share);
    let bucket = 0;
    for (; bucket < BUCKETS; bucket += 1) {
      rest -= this.#counts[bucket]!;
      if (rest <= 0) break;
    }
    return rounded(2 ** ((bucket + 0.5) / STEPS) / 1000);
  }
}

/** To the microsecond: more digits say nothing. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
