// What went wrong on the way while a call was made again and again: when it is given up, that is the reason, and not that the
// time was over. Where every address fails for its TLS, no waiting helps: that ends the command at once.
import { type ConnectionOptions, connect } from 'node:tls';
import type { ClientOptions, Retry, RetryReason } from '../client/index.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { CliError } from './cli-error.ts';
import type { FailureCode } from './hints.ts';

/** More than a cluster has loggers. */
const MAX_PLACES = 16;
const PROBE_TIMEOUT_MS = 2000;

/** What befalls a connection when one side speaks TLS and the other does not, or a certificate is not trusted. */
const CONNECTION_TROUBLES: readonly RetryReason[] = ['connect-failed', 'connection-lost', 'bad-answer'];
/** What Node says of an answer that is no TLS. */
const NO_TLS: readonly string[] = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'];
const CERTIFICATE = /^(ERR_TLS_CERT|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/;

export class Troubles {
  /** The last one of each place. */
  readonly #last = new Map<string, Retry>();

  /** What is wrong with the TLS of each target looked at; null where nothing is. */
  readonly #tls = new Map<string, Promise<string | null>>();

  /**
   * The options, with this as a listener to every attempt that failed. `onHopeless` is called when no target can ever answer,
   * for its TLS.
   */
  watch(options: ClientOptions, onHopeless: (error: CliError) => void = () => {}): ClientOptions {
    const targets = [options.target ?? []].flat().map((url) => new URL(url).href.replace(/\/$/, ''));
    const isFixed = targets.length > 0 && options.consul === undefined && options.dial === undefined;
    const ca = typeof options.ca === 'function' ? options.ca() : options.ca;
    return {
      ...options,
      onRetry: (retry) => {
        this.add(retry);
        const { url, reason } = retry;
        if (!isFixed || url === null || !targets.includes(url) || !CONNECTION_TROUBLES.includes(reason))
          return;
        if (this.#tls.has(url)) return;
        this.#tls.set(url, tlsProblem(url, ca));
        if (this.#tls.size === targets.length) void this.#judge(onHopeless);
      },
    };
  }

  async #judge(onHopeless: (error: CliError) => void): Promise<void> {
    const problems = await Promise.all(this.#tls.values());
    if (problems.every((problem) => problem !== null))
      onHopeless(new CliError('tls-failed', problems.join('; ')));
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

/** Opens a TLS connection of its own to see what is wrong with it; null where nothing is, or something else. */
async function tlsProblem(url: string, ca: string | undefined): Promise<string | null> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isSecure = protocol === 'https:';
  const code = await handshake({
    host,
    port: Number(port || (isSecure ? 443 : 80)),
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(ca !== undefined && { ca }),
    rejectUnauthorized: isSecure,
  });
  if (!isSecure) return code === null ? `${url} speaks TLS: it takes https://` : null;
  if (code !== null && NO_TLS.includes(code)) return `${url} does not speak TLS: it takes http://`;
  if (code === null || !CERTIFICATE.test(code)) return null;
  const authorities = ca === undefined ? 'those that Node knows' : 'those of --ca-file';
  return `the certificate of ${url} is not trusted (${code}); the authorities are ${authorities}`;
}

/** Null when it succeeds, else the code of its error. */
function handshake(options: ConnectionOptions): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(options, () => end(null));
    const end = (code: string | null): void => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end('timeout'));
    socket.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => end(code));
  });
}
