// Listens for the connections of other loggers, in the clear or with mutual TLS. Certificates may change while it runs:
// each connection is made with those that the getter gives then.
import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { nodeTls, TLS_OPTIONS, type TlsMaterial } from './dial.ts';
import { CONNECTIONS_MAX, HANDSHAKE_TIMEOUT_MS } from './limits.ts';

/** What is said of a connection to either listener that gets no further than TLS. */
export const REFUSED_TLS = 'refused a connection: its TLS handshake failed';

const TLS_PROBLEMS: Readonly<Record<string, string>> = {
  ECONNRESET: 'the other side left, most likely because it does not trust the certificate shown here',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it showed no certificate',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_HTTP_REQUEST: 'it does not speak TLS but HTTP',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it does not speak TLS 1.3',
  ERR_TLS_HANDSHAKE_TIMEOUT: `it was not done within ${HANDSHAKE_TIMEOUT_MS} ms`,
};

/** Where the other side is, for people: a socket of both families has an IPv4 address as ::ffff:10.0.0.1. */
export const remoteAddressOf = ({ remoteAddress = '' }: Socket): string =>
  remoteAddress.replace(/^::ffff:(?=[\d.]+$)/, '');

interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: (() => TlsMaterial) | null;
  /** A connection, TLS done and the certificate checked. To be taken in the same tick. */
  accept(socket: Socket): void;
  /** A connection that never came to be, and why. */
  failed(remote: string, error: Error): void;
  /** A connection whose TLS handshake failed: it showed no certificate of the authority, say, or spoke no TLS. */
  refused(remote: string, problem: string): void;
}

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects when the address cannot be listened on. Throws when the certificates are no such thing. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const server = options.tls === null ? createServer(options.accept) : tlsServer(options, options.tls);
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // After listening, an error is one of accepting (no descriptors left, for example): the listener goes on.
  server.on('error', (error) => options.failed('', error));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

function tlsServer(options: ListenerOptions, material: () => TlsMaterial): Server {
  let used = material();
  const server: TlsServer = nodeTls().createServer({
    ...TLS_OPTIONS,
    ...used,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  server.prependListener('connection', () => {
    const now = material();
    if (now === used) return;
    used = now;
    server.setSecureContext({ ...TLS_OPTIONS, ...now });
  });
  server.on('secureConnection', options.accept);
  server.on('tlsClientError', (error, socket) => {
    options.refused(remoteAddressOf(socket), tlsProblemOf(error, socket));
    // Node leaves one whose time is over open, and it would keep its place for good.
    socket.destroy();
  });
  return server;
}

/** For people: the usual problems in words, the others as Node has them. */
function tlsProblemOf(
  { code = '', message }: NodeJS.ErrnoException,
  { authorizationError }: TLSSocket,
): string {
  if (authorizationError) return `its certificate is not valid here: ${authorizationError}`;
  return TLS_PROBLEMS[code] ?? message.trim();
}
