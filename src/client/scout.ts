// Finds the leader when the address in use does not: while a request to the leader stays unanswered, and from the first failure
// on, the other addresses are asked who leads. A frozen leader answers nothing and its kernel keeps the connection open; a
// Service routes to a dead one until the cluster has noticed. So the scout knows every logger by its own address, which any
// logger's status tells, and a leader of a higher epoch that it finds becomes known to `Addresses`, which ends the wait.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Addresses } from './addresses.ts';
import { type Http, readBody } from './http.ts';
import { baseUrl } from './shapes.ts';

/** Longer than an append takes, shorter than a takeover. */
export const SILENT_MS = 100;
/** Between two questions to one address: soon at first, for a takeover is short, then less and less often, for clients are many. */
const FIRST_PAUSE_MS = 20;
const PAUSE_GROWTH = 1.3;
const LAST_PAUSE_MS = 250;
/** How long a logger that knows no new leader yet may keep the question, so that it need not be asked again meanwhile. */
const WAIT_MS = 250;
const STATUS_TIMEOUT_MS = 500;
const MAX_STATUS_BYTES = 256 * 1024;
const STATUS_PATH = '/api/v1/status';
/** How often a leader that answers is asked for the loggers' addresses. */
const LEARN_EVERY_MS = 5000;

interface Told {
  readonly epoch: number;
  readonly leader: string | null;
  readonly loggers: readonly string[];
}

interface Watcher {
  readonly silent: string | null;
}

export class Scout {
  readonly #http: Http;
  readonly #addresses: Addresses;
  readonly #now: () => number;
  /** The calls of one client that fail together search together: each address has one question at a time. */
  readonly #watchers = new Set<Watcher>();
  readonly #asked = new Set<string>();
  #search = new AbortController();
  #learnMs = Number.NEGATIVE_INFINITY;
  #learntEpoch = -1;

  constructor(http: Http, addresses: Addresses, now: () => number = () => performance.now()) {
    this.#http = http;
    this.#addresses = addresses;
    this.#now = now;
  }

  /** Asks from `afterMs` on, again and again, until the returned function is called. `silent` is known not to answer. */
  watch(silent: string | null, afterMs: number): () => void {
    const watcher = { silent };
    const timer = setTimeout(() => {
      this.#watchers.add(watcher);
      this.#askAll();
    }, afterMs);
    return () => {
      clearTimeout(timer);
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return;
      this.#search.abort();
      this.#search = new AbortController();
      this.#asked.clear();
    };
  }

  /** `url` has answered as the leader of `epoch`: from time to time it is asked for the addresses of all loggers. */
  learnFrom(url: string, epoch: number, signal: AbortSignal): void {
    const now = this.#now();
    if (epoch === this.#learntEpoch && now < this.#learnMs) return;
    this.#learntEpoch = epoch;
    this.#learnMs = now + LEARN_EVERY_MS;
    void this.#ask(url, signal);
  }

  #askAll(): void {
    for (const url of this.#addresses.known)
      if (!this.#asked.has(url) && this.#isWanted(url)) void this.#askOn(url, this.#search.signal);
  }

  /** A single address may be a Service: a new connection to it can reach another logger than the silent one. */
  #isWanted(url: string): boolean {
    const { length } = this.#addresses.known;
    return [...this.#watchers].some(({ silent }) => length === 1 || silent !== url);
  }

  /** One question after the other. The first is answered at once; later ones once the logger knows a new leader. */
  async #askOn(url: string, signal: AbortSignal): Promise<void> {
    this.#asked.add(url);
    let pauseMs = FIRST_PAUSE_MS;
    for (let waits = false; !signal.aborted && this.#isWanted(url); ) {
      const nextMs = this.#now() + pauseMs;
      // Loggers of before refuse to wait: then they are asked as before.
      waits = await this.#ask(url, signal, waits);
      if (signal.aborted) return;
      this.#askAll();
      await sleep(Math.max(0, nextMs - this.#now()), undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * PAUSE_GROWTH);
    }
    if (!signal.aborted) this.#asked.delete(url);
  }

  /** Whether there was an answer. */
  async #ask(url: string, signal: AbortSignal, waits = false): Promise<boolean> {
    const { epoch } = this.#addresses;
    const path = waits ? `${STATUS_PATH}?wait=${WAIT_MS}ms&epoch-above=${epoch}` : STATUS_PATH;
    let told: Told | null = null;
    try {
      const limits = { timeoutMs: STATUS_TIMEOUT_MS + (waits ? WAIT_MS : 0), signal };
      const question = { method: 'GET', path, toLogger: true } as const;
      const text = await this.#http.request(url, question, limits, (response) =>
        readBody(response, MAX_STATUS_BYTES),
      );
      told = toldIn(JSON.parse(text.toString('utf8')));
    } catch {
      // One that does not answer tells nothing: the request that is being watched has its own deadline.
    }
    if (told === null || signal.aborted) return false;
    if (told.epoch < this.#addresses.epoch) return true;
    this.#addresses.setLoggers(told.loggers);
    if (told.leader !== null) this.#addresses.learn(told.leader, told.epoch);
    return true;
  }
}

/** What a status tells; null for one that is none. Loggers of before do not tell their members' addresses. */
function toldIn(status: unknown): Told | null {
  const { epoch, leader, members } = status as {
    epoch?: unknown;
    leader?: { api?: unknown } | null;
    members?: unknown;
  };
  if (typeof epoch !== 'number') return null;
  const loggers = Array.isArray(members)
    ? members.flatMap((member: { api?: unknown } | null) => baseUrl(member?.api) ?? [])
    : [];
  return { epoch, leader: baseUrl(leader?.api), loggers };
}
