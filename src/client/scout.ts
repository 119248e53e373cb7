// Finds the leader when the address in use does not: while a request to the leader stays unanswered, and from the first failure
// on, the other addresses are asked who leads. A frozen leader answers nothing and its kernel keeps the connection open; a
// Service routes to a dead one until the cluster has noticed. So the scout knows every logger by its own address, which any
// logger's status tells, and a leader of a higher epoch that it finds becomes known to `Addresses`, which ends the wait.
import type { Addresses } from './addresses.ts';
import { type Http, readBody } from './http.ts';

/** Longer than an append takes, shorter than a takeover. */
export const SILENT_MS = 100;
/** Between two rounds of questions: soon at first, for a takeover is short, then less and less often, for clients are many. */
const FIRST_ROUND_MS = 20;
const ROUND_GROWTH = 1.3;
const LAST_ROUND_MS = 250;
/** With the above it also bounds the questions in flight: nine for each address. */
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

export class Scout {
  readonly #http: Http;
  readonly #addresses: Addresses;
  readonly #now: () => number;
  /** When all were last asked: the calls of one client that fail together ask together. */
  #roundMs = Number.NEGATIVE_INFINITY;
  #learnMs = Number.NEGATIVE_INFINITY;
  #learntEpoch = -1;

  constructor(http: Http, addresses: Addresses, now: () => number = () => performance.now()) {
    this.#http = http;
    this.#addresses = addresses;
    this.#now = now;
  }

  /** Asks from `afterMs` on, again and again, until the returned function is called. `silent` is known not to answer. */
  watch(silent: string | null, afterMs: number): () => void {
    let over: AbortController | null = null; // most watches end before they ask
    let intervalMs = FIRST_ROUND_MS;
    const round = (): void => {
      over ??= new AbortController();
      this.#askAll(silent, over.signal);
      timer = setTimeout(round, intervalMs);
      intervalMs = Math.min(LAST_ROUND_MS, intervalMs * ROUND_GROWTH);
    };
    let timer = setTimeout(round, afterMs);
    return () => {
      clearTimeout(timer);
      over?.abort();
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

  /** A single address may be a Service: a new connection to it can reach another logger than the silent one. */
  #askAll(silent: string | null, signal: AbortSignal): void {
    const now = this.#now();
    if (now - this.#roundMs < FIRST_ROUND_MS / 2) return;
    this.#roundMs = now;
    const { known } = this.#addresses;
    const others = known.length === 1 ? known : known.filter((url) => url !== silent);
    for (const url of others) void this.#ask(url, signal);
  }

  async #ask(url: string, signal: AbortSignal): Promise<void> {
    let told: Told | null = null;
    try {
      const limits = { timeoutMs: STATUS_TIMEOUT_MS, signal };
      const question = { method: 'GET', path: STATUS_PATH, toLogger: true } as const;
      const text = await this.#http.request(url, question, limits, (response) =>
        readBody(response, MAX_STATUS_BYTES),
      );
      told = toldIn(JSON.parse(text.toString('utf8')));
    } catch {
      // One that does not answer tells nothing: the request that is being watched has its own deadline.
    }
    if (told === null || signal.aborted || told.epoch < this.#addresses.epoch) return;
    this.#addresses.setLoggers(told.loggers);
    if (told.leader !== null) this.#addresses.learn(told.leader, told.epoch);
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

const baseUrl = (api: unknown): string | null =>
  typeof api === 'string' && /^https?:\/\//.test(api) && URL.canParse(api) ? api.replace(/\/$/, '') : null;
