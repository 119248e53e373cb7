// Takes a call from one Consul server to the next until one answers. It stays with a server that works: in a takeover
// no time is lost on one that is known to be silent.

import { messageOf } from '../errors.ts';
import type { CallOptions, CallReport, Reachability } from './client.ts';
import { ConsulError } from './errors.ts';

/** What a request came to. `doubt` is set when an attempt before the one that answered may have been carried out too. */
export interface Answered<T> {
  readonly value: T;
  readonly doubt: ConsulError | null;
}

export class ServerRotation<Server extends { readonly url: string }> {
  readonly #servers: readonly Server[];
  readonly #onCall: (report: CallReport) => void;
  #current = 0;
  #reachability: Reachability = { reachable: false, address: null, error: null };

  constructor(servers: readonly Server[], onCall: (report: CallReport) => void) {
    if (servers.length === 0) throw new RangeError('at least one Consul server is needed');
    this.#servers = servers;
    this.#onCall = onCall;
  }

  get reachability(): Reachability {
    return this.#reachability;
  }

  /** Each server is asked once at most, beginning with the one that worked last. */
  async run<T>(options: CallOptions, attempt: (server: Server) => Promise<T>): Promise<Answered<T>> {
    const failures: ConsulError[] = [];
    const first = this.#current;
    for (let step = 0; step < this.#servers.length; step++) {
      const at = (first + step) % this.#servers.length;
      const server = this.#servers[at] as Server;
      try {
        const value = await this.#timed(options, server, attempt);
        this.#reachability = { reachable: true, address: server.url, error: null };
        return { value, doubt: failures.find((failure) => failure.maybeDone) ?? null };
      } catch (error) {
        const failure = error instanceof ConsulError ? error : broken(error);
        if (failure.failure === 'cancelled') throw failure;
        failures.push(failure);
        if (!worthAnotherServer(failure)) {
          this.#reachability = { reachable: true, address: server.url, error: failure.message };
          break;
        }
        this.#leave(at);
      }
    }
    throw this.#failed(failures);
  }

  async #timed<T>(options: CallOptions, server: Server, attempt: (server: Server) => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    let ok = false;
    try {
      const value = await attempt(server);
      ok = true;
      return value;
    } finally {
      const seconds = (performance.now() - startedMs) / 1000;
      if (!options.signal?.aborted)
        this.#onCall({ operation: options.operation, server: server.url, ok, seconds });
    }
  }

  /** Only from the server that failed: another call may have moved on already. */
  #leave(at: number): void {
    if (this.#current === at) this.#current = (at + 1) % this.#servers.length;
  }

  #failed(failures: readonly ConsulError[]): ConsulError {
    const last = failures.at(-1) as ConsulError;
    const message = failures.map((failure) => failure.message).join('; ');
    if (worthAnotherServer(last))
      this.#reachability = { reachable: false, address: this.#reachability.address, error: message };
    const maybeDone = failures.some((failure) => failure.maybeDone);
    return new ConsulError(last.failure, message, { maybeDone, cause: last.cause });
  }
}

/** A refusal for the request's own sake would be the same everywhere; everything else may be the server's. */
const worthAnotherServer = ({ failure }: ConsulError): boolean =>
  failure !== 'denied' && failure !== 'rejected';

const broken = (error: unknown): ConsulError =>
  new ConsulError('broken', messageOf(error), { maybeDone: true, cause: error });
