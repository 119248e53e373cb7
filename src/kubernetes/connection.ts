// How the Kubernetes client reaches the API server. By itself it makes a new connection for every request, has no
// deadline, and speaks HTTP/2, where a cancelled request leaves a silently dead connection in use. So each call here
// has a deadline, connections are HTTP/1.1, kept and few, and all of them are dropped after a call without an answer:
// that one may have met a connection whose other end is gone, or a certificate authority that has been replaced.

import type { RequestOptions } from 'node:https';
import type { ConfigurationOptions, KubeConfig, ObservableMiddleware } from '@kubernetes/client-node';
import { Agent, type buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import { messageOf } from '../errors.ts';
import { ApiServerError, type KubernetesCall, type KubernetesOperation } from './api.ts';

export type Client = typeof import('./client-node.ts');
export type CallOptions = ConfigurationOptions<ObservableMiddleware>;

const CALL_TIMEOUT_MS = 2000;
const CONNECT_TIMEOUT_MS = 1000;
const KEEP_ALIVE_MS = 60_000;
const MAX_CONNECTIONS = 8;
const MAX_MESSAGE_LENGTH = 300;

export interface ConnectionOptions {
  readonly callTimeoutMs?: number;
  readonly onCall?: (call: KubernetesCall) => void;
}

export class Connection {
  readonly #client: Client;
  readonly #kubeConfig: KubeConfig;
  readonly #callTimeoutMs: number;
  readonly #onCall: (call: KubernetesCall) => void;
  #agent: Dispatcher | null = null;

  constructor(client: Client, kubeConfig: KubeConfig, options: ConnectionOptions = {}) {
    this.#client = client;
    this.#kubeConfig = kubeConfig;
    this.#callTimeoutMs = options.callTimeoutMs ?? CALL_TIMEOUT_MS;
    this.#onCall = options.onCall ?? (() => undefined);
  }

  /** Makes one call. Throws ApiServerError, or the reason of `signal` when that aborted it. */
  async call<T>(
    operation: KubernetesOperation,
    what: string,
    signal: AbortSignal,
    make: (options: CallOptions) => Promise<T>,
    contentType?: string,
  ): Promise<T> {
    signal.throwIfAborted();
    const deadline = AbortSignal.timeout(this.#callTimeoutMs);
    const startedMs = performance.now();
    const ended = (result: KubernetesCall['result']): void =>
      this.#onCall({ operation, result, seconds: (performance.now() - startedMs) / 1000 });
    let agent: Dispatcher | null = null;
    try {
      agent = await this.#connected();
      const answer = await make(this.#options(agent, AbortSignal.any([signal, deadline]), contentType));
      ended('ok');
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      const answered = error instanceof this.#client.ApiException;
      ended(answered ? 'refused' : 'error');
      if (answered) {
        throw new ApiServerError(
          `${what}: HTTP ${error.code}, ${statusMessage(error.body)}`,
          error.code,
          error,
        );
      }
      if (agent !== null && agent === this.#agent) await this.close();
      const why = deadline.aborted ? `no answer within ${this.#callTimeoutMs} ms` : rootMessage(error);
      throw new ApiServerError(`${what}: ${why}`, null, error);
    }
  }

  async close(): Promise<void> {
    const agent = this.#agent;
    this.#agent = null;
    await agent?.destroy();
  }

  async #connected(): Promise<Dispatcher> {
    if (this.#agent !== null) return this.#agent;
    const tls: RequestOptions = {};
    await this.#kubeConfig.applyToHTTPSOptions(tls);
    const { ca, cert, key, rejectUnauthorized, servername } = tls;
    const connect = { timeout: CONNECT_TIMEOUT_MS, ca, cert, key, rejectUnauthorized, servername };
    const given = Object.entries(connect).filter(([, value]) => value !== undefined);
    const made = Object.fromEntries(given) as buildConnector.BuildOptions;
    const options = { allowH2: false, connections: MAX_CONNECTIONS, keepAliveTimeout: KEEP_ALIVE_MS };
    const uri = this.#kubeConfig.getCurrentCluster()?.proxyUrl;
    this.#agent ??=
      uri === undefined
        ? new Agent({ ...options, connect: made })
        : new ProxyAgent({ ...options, uri, requestTls: made, proxyTunnel: true });
    return this.#agent;
  }

  #options(agent: Dispatcher, signal: AbortSignal, contentType: string | undefined): CallOptions {
    const { Observable } = this.#client;
    const middleware: ObservableMiddleware = {
      pre: (request) => {
        request.setSignal(signal);
        request.setDispatcher(agent);
        if (contentType !== undefined) request.setHeaderParam('Content-Type', contentType);
        return new Observable(Promise.resolve(request));
      },
      post: (response) => new Observable(Promise.resolve(response)),
    };
    return { middleware: [middleware], middlewareMergeStrategy: 'append' };
  }
}

/** What a Kubernetes Status object, or whatever a proxy sent in its place, says. */
function statusMessage(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
  try {
    const status: unknown = typeof body === 'string' ? JSON.parse(body) : body;
    if (typeof status === 'object' && status !== null && 'message' in status) {
      return String(status.message).slice(0, MAX_MESSAGE_LENGTH);
    }
  } catch {
    // Not JSON: the text itself is the best there is.
  }
  return text.slice(0, MAX_MESSAGE_LENGTH);
}

/** `fetch failed` says nothing; its cause does. */
function rootMessage(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return messageOf(root);
}
