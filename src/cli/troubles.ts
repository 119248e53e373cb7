// What went wrong on the way while a call was made again and again: when it is given up, that is the reason, and not that the
// time was over.
import type { ClientOptions, Retry, RetryReason } from '../client/index.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { FailureCode } from './hints.ts';

/** More than a cluster has loggers. */
const MAX_PLACES = 16;

export class Troubles {
  /** The last one of each place. */
  readonly #last = new Map<string, Retry>();

  /** The options, with this as a listener to every attempt that failed. */
  watch(options: ClientOptions): ClientOptions {
    return { ...options, onRetry: (retry) => this.add(retry) };
  }

  add(retry: Retry): void {
    const place = retry.url ?? retry.detail;
    this.#last.delete(place);
    this.#last.set(place, retry);
    if (this.#last.size > MAX_PLACES) this.#last.delete(this.#last.keys().next().value as string);
  }

  get none(): boolean {
    return this.#last.size === 0;
  }

  /** One clause for each place. */
  get text(): string {
    return [...this.#last.values()]
      .map(({ url, detail }) => (url === null || detail.includes(url) ? detail : `${url}: ${detail}`))
      .join('; ');
  }

  /** The code of the latest: what a logger said goes before what befell a connection, and Consul before who it did not name. */
  get code(): FailureCode {
    const latest = [...this.#last.values()].map(({ reason }) => reason).reverse();
    const said = latest.find((reason) => Object.hasOwn(ERRORS, reason));
    const consul = latest.find((reason) => reason === 'consul-failed');
    return codeOf(said ?? consul ?? latest[0] ?? 'timeout');
  }
}

function codeOf(reason: RetryReason): FailureCode {
  if (Object.hasOwn(ERRORS, reason)) return reason as ErrorCode;
  if (reason === 'bad-answer') return 'bad-answer';
  if (reason === 'leader-unknown') return 'no-leader';
  return reason === 'consul-failed' ? 'consul-unreachable' : 'no-answer';
}
