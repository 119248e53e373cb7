// One attempt to reach a listener: name lookup, TCP, TLS, each within a bound. Names are looked up anew for each attempt, since
// pods change their addresses. Lookups run on the thread pool that also carries fsync: while one of a name is under way the
// next attempt joins it, so that a name server that hangs can never fill the pool.
import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { CONNECT_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS, RESOLVE_TIMEOUT_MS } from './limits.ts';

/** PEM texts. Both sides show a certificate signed by `ca`; the listener's must name the address that was dialled. */
export interface TlsMaterial {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export const TLS_OPTIONS = { minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true } as const;

/** Loaded only where TLS is on: it takes some megabytes of each thread. */
export const nodeTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Splits host:port or [ipv6]:port; null when it is neither. */
export function parseHostPort(address: string): HostPort | null {
  const match = /^(?:\[([^\]]+)\]|([^\s/]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? null : { host, port };
}

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
const underWay = new Map<string, Answer[]>();

/** The system's lookup, at most one per name at a time. */
function sharedLookup(host: string, options: LookupAllOptions, answer: Answer): void {
  const waiting = underWay.get(host);
  if (waiting !== undefined) {
    waiting.push(answer);
    return;
  }
  const answers = [answer];
  underWay.set(host, answers);
  systemLookup(host, { ...options, all: true }, (error, addresses) => {
    underWay.delete(host);
    for (const each of answers) each(error, addresses);
  });
}

/** Resolves with a connected socket, TLS done; rejects with the reason. The socket must be taken in the same tick. */
export function dial(
  { host, port }: HostPort,
  tls: TlsMaterial | null,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout;
    const lookup: LookupFunction = (name, options, answer) => {
      sharedLookup(name, { ...options, all: true }, (error, addresses) => {
        if (socket.destroyed) return;
        limit(CONNECT_TIMEOUT_MS, 'connection');
        const [first] = addresses ?? [];
        if (error !== null || options.all) answer(error, addresses);
        else if (first === undefined) answer(new Error(`${name} has no address`), []);
        else answer(null, first.address, first.family);
      });
    };
    const socket: Socket =
      tls === null
        ? connect({ host, port, lookup })
        : nodeTls().connect({ host, port, lookup, ...TLS_OPTIONS, ...tls });
    const limit = (timeoutMs: number, what: string): void => {
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(new Error(`no ${what} within ${timeoutMs} ms`)), timeoutMs);
    };
    if (isIP(host) === 0) limit(RESOLVE_TIMEOUT_MS, 'address');
    else limit(CONNECT_TIMEOUT_MS, 'connection');
    const abort = (): void => void socket.destroy(new Error('no longer wanted'));
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.off('error', failed);
      socket.off('close', closed);
    };
    const failed = (error: Error): void => {
      settle();
      // A socket that failed may fail again while it is torn down; the first reason is the one that counts.
      socket.on('error', () => {});
      reject(error);
    };
    const closed = (): void => failed(new Error('the connection was closed'));
    socket.on('error', failed);
    socket.on('close', closed);
    signal.addEventListener('abort', abort);
    if (tls !== null) socket.once('connect', () => limit(HANDSHAKE_TIMEOUT_MS, 'TLS handshake'));
    socket.once(tls === null ? 'connect' : 'secureConnect', () => {
      settle();
      resolve(socket);
    });
    if (signal.aborted) abort();
  });
}
