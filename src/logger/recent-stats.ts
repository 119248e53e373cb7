// What the status page draws: a sample every two seconds, for the last ten minutes, in a ring. The paths of appends and syncs
// add to counters and no more; a timer does the rest.
import type { MemberStatus, Stats, StatsSample } from '../api/index.ts';
import { LatencyDigest } from './latency-digest.ts';

const SAMPLE_INTERVAL_MS = 2000;
const MAX_SAMPLES = 300;

/** What is true at the moment of a sample. */
export interface Sampled {
  readonly role: 'leader' | 'follower';
  readonly epoch: number;
  readonly commit: number;
  readonly members: readonly MemberStatus[];
}

export class RecentStats {
  readonly #append = new LatencyDigest();
  readonly #fsync = new LatencyDigest();
  readonly #samples: StatsSample[] = [];
  #bytes = 0;
  #lastCommit: number | null = null;
  #lastMs = 0;

  /** An append was committed and answered. */
  appended(seconds: number): void {
    this.#append.observe(seconds);
  }

  stored(bytes: number): void {
    this.#bytes += bytes;
  }

  synced(seconds: number): void {
    this.#fsync.observe(seconds);
  }

  /** Samples until `signal` aborts. */
  keep(now: () => Sampled, signal: AbortSignal): void {
    const clocks = (): Clocks => ({ timeMs: Date.now(), monotonicMs: performance.now() });
    this.#begin(now(), clocks());
    const timer = setInterval(() => this.sample(now(), clocks()), SAMPLE_INTERVAL_MS);
    timer.unref();
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  sample({ role, epoch, commit, members }: Sampled, { timeMs, monotonicMs }: Clocks): void {
    const seconds = (monotonicMs - this.#lastMs) / 1000;
    const records = this.#lastCommit === null ? 0 : Math.max(0, commit - this.#lastCommit);
    const leading = role === 'leader';
    this.#samples.push({
      // A clock set back must not make two samples one: `since` hangs on it.
      time: Math.max(Math.round(timeMs), (this.#samples.at(-1)?.time ?? 0) + 1),
      role,
      epoch,
      commit,
      recordsPerSecond: perSecond(records, seconds),
      bytesPerSecond: leading ? perSecond(this.#bytes, seconds) : null,
      append: this.#append.take(),
      fsync: this.#fsync.take(),
      lag: leading ? lagOf(members) : {},
    });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    this.#bytes = 0;
    this.#lastCommit = commit;
    this.#lastMs = monotonicMs;
  }

  /** The samples later than `since`, oldest first. */
  since(since: number): Stats {
    return {
      intervalMs: SAMPLE_INTERVAL_MS,
      maxSamples: MAX_SAMPLES,
      samples: this.#samples.filter(({ time }) => time > since),
    };
  }

  #begin({ commit }: Sampled, { monotonicMs }: Clocks): void {
    this.#lastCommit = commit;
    this.#lastMs = monotonicMs;
  }
}

interface Clocks {
  readonly timeMs: number;
  readonly monotonicMs: number;
}

const perSecond = (amount: number, seconds: number): number =>
  seconds <= 0 ? 0 : Math.round((amount / seconds) * 10) / 10;

const lagOf = (members: readonly MemberStatus[]): Record<string, number | null> =>
  Object.fromEntries(members.filter(({ role }) => role === 'follower').map(({ id, lag }) => [id, lag]));
