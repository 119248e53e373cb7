// While a request to the leader stays unanswered, asks the other addresses who leads. A frozen leader answers nothing and
// its kernel keeps the connection open, so without this only the request's deadline would tell. A leader of a higher epoch
// becomes known to `Addresses`, and that ends the silent request.
import type { Addresses } from './addresses.ts';
import { type Http, readBody } from './http.ts';

/** Longer than an append takes, shorter than a takeover. */
const SCOUT_EVERY_MS = 100;
/** With the above it also bounds the questions in flight: five for each address. */
const STATUS_TIMEOUT_MS = 500;
const MAX_STATUS_BYTES = 256 * 1024;
const STATUS_PATH = '/api/v1/status';

export class Scout {
  readonly #http: Http;
  readonly #addresses: Addresses;

  constructor(http: Http, addresses: Addresses) {
    this.#http = http;
    this.#addresses = addresses;
  }

  /** Asks from time to time until the returned function is called. */
  watch(silent: string): () => void {
    const over = new AbortController();
    const timer = setInterval(() => this.#askAll(silent, over.signal), SCOUT_EVERY_MS);
    return () => {
      clearInterval(timer);
      over.abort();
    };
  }

  /** A single address may be a Service: a new connection to it can reach another logger than the silent one. */
  #askAll(silent: string, signal: AbortSignal): void {
    const { seeds } = this.#addresses;
    const others = seeds.length === 1 ? seeds : seeds.filter((url) => url !== silent);
    for (const url of others) void this.#ask(url, signal);
  }

  async #ask(url: string, signal: AbortSignal): Promise<void> {
    try {
      const limits = { timeoutMs: STATUS_TIMEOUT_MS, signal };
      const text = await this.#http.request(url, { method: 'GET', path: STATUS_PATH }, limits, (response) =>
        readBody(response, MAX_STATUS_BYTES),
      );
      const { epoch, leader } = JSON.parse(text.toString('utf8')) as {
        epoch?: unknown;
        leader?: { api?: unknown } | null;
      };
      if (typeof epoch !== 'number' || typeof leader?.api !== 'string' || signal.aborted) return;
      if (epoch > this.#addresses.epoch) this.#addresses.learn(leader.api, epoch);
    } catch {
      // One that does not answer tells nothing: the request that is being watched has its own deadline.
    }
  }
}
