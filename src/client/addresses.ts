// Where to send next: the leader if one is known, else the given addresses in turn. Knowledge of the leader comes from
// answers, redirects, Consul and other loggers' status; the epoch decides between two that differ, so that a stale leader
// back from a pause is not believed.

/** More than a cluster has; what a status says is not believed beyond it. */
const MAX_LOGGERS = 16;

export interface Picked {
  readonly url: string;
  /** The address asked not to be tried before this long from now. */
  readonly waitMs: number;
}

export class Addresses {
  readonly #seeds: readonly string[];
  readonly #httpsOnly: boolean;
  readonly #now: () => number;
  readonly #listeners = new Set<(url: string) => void>();
  /** When an address may be tried again, by its `Retry-After`; addresses without an entry may be at once. */
  readonly #notBeforeMs = new Map<string, number>();
  #cursor = 0;
  #leader: string | null = null;
  /** Without seeds (Consul only) an address that failed is still the best guess while Consul is away. */
  #lastLeader: string | null = null;
  #epoch = 0;
  /** Who redirected to the leader: in the present epoch it leads no more, though a success from before may be told later. */
  #redirected: string | null = null;
  /** Every logger by its own address, as the last status told: asked who leads, never sent to unasked. */
  #loggers: readonly string[] = [];
  /** Addresses that failed in the present epoch: that one of them leads in it is no news. */
  readonly #failed = new Set<string>();

  /** `httpsOnly`: no http:// address but the given ones is believed, whoever names it. */
  constructor(seeds: readonly string[], httpsOnly = false, now: () => number = () => performance.now()) {
    this.#seeds = seeds;
    this.#httpsOnly = httpsOnly;
    this.#now = now;
  }

  get seeds(): readonly string[] {
    return this.#seeds;
  }

  /** All addresses that somebody may be asked at. */
  get known(): readonly string[] {
    return [...new Set([...this.#seeds, ...this.#loggers])];
  }

  setLoggers(urls: readonly string[]): void {
    const usable = urls.filter((url) => this.#usable(url));
    if (usable.length > 0) this.#loggers = usable.slice(0, MAX_LOGGERS);
  }

  /** The highest epoch heard of. */
  get epoch(): number {
    return this.#epoch;
  }

  get leader(): string | null {
    return this.#leader;
  }

  /** The address that may be tried first; null when none is known. */
  pick(): Picked | null {
    const now = this.#now();
    for (const [url, atMs] of this.#notBeforeMs) if (atMs <= now) this.#notBeforeMs.delete(url);
    let best: Picked | null = null;
    for (const url of this.#candidates()) {
      const waitMs = Math.max(0, (this.#notBeforeMs.get(url) ?? 0) - now);
      if (best === null || waitMs < best.waitMs) best = { url, waitMs };
    }
    return best;
  }

  /** `url` answered as the leader of `epoch`. */
  succeeded(url: string, epoch: number): void {
    if (epoch < this.#epoch) return;
    this.#enter(epoch);
    if (this.#leader !== null && this.#redirected === url) return;
    this.#failed.delete(url);
    this.#adopt(url);
  }

  /** Somebody says that `url` leads. */
  learn(url: string, epoch: number): void {
    if (!this.#usable(url) || epoch < this.#epoch) return;
    // The same leader under another name: the Service and its pod, say.
    if (epoch === this.#epoch && (this.#leader !== null || this.#failed.has(url))) return;
    this.#enter(epoch);
    this.#believe(url);
  }

  /** `from` says that `to` leads, in an epoch that it does not tell: it is tried, and believed when it answers. */
  redirected(from: string, to: string): void {
    if (!this.#usable(to)) return;
    this.#redirected = from;
    this.#believe(to);
  }

  #believe(url: string): void {
    const changed = this.#leader !== url;
    this.#adopt(url);
    this.#notBeforeMs.delete(url);
    if (changed) for (const listener of this.#listeners) listener(url);
  }

  /** `url` does not lead or does not answer: others are tried first, and it not before `waitMs`. */
  failed(url: string, waitMs: number): void {
    if (this.#leader === url) this.#leader = null;
    this.#failed.add(url);
    const at = this.#seeds.indexOf(url);
    this.#cursor = (at === -1 ? this.#cursor : at) + 1;
    this.#postpone(url, waitMs);
  }

  /** `url` leads but takes no more now. */
  busy(url: string, waitMs: number): void {
    this.#postpone(url, waitMs);
  }

  /** Calls `listener` whenever another leader becomes known; returns how to stop that. */
  onLeader(listener: (url: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #usable(url: string): boolean {
    return !this.#httpsOnly || url.startsWith('https:') || this.#seeds.includes(url);
  }

  #enter(epoch: number): void {
    if (epoch > this.#epoch) {
      this.#failed.clear();
      this.#redirected = null;
    }
    this.#epoch = epoch;
  }

  #adopt(url: string): void {
    this.#leader = url;
    this.#lastLeader = url;
  }

  #postpone(url: string, waitMs: number): void {
    if (waitMs > 0) this.#notBeforeMs.set(url, this.#now() + waitMs);
  }

  #candidates(): readonly string[] {
    if (this.#leader !== null) return [this.#leader];
    if (this.#seeds.length === 0) return this.#lastLeader === null ? [] : [this.#lastLeader];
    const from = this.#cursor % this.#seeds.length;
    return [...this.#seeds.slice(from), ...this.#seeds.slice(0, from)];
  }
}
