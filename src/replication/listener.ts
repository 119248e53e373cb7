// Listens for the connections of other loggers, in the clear or with mutual TLS. Certificates may change while it runs:
// each connection is made with those that the getter gives then.
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { TLS_OPTIONS, type TlsMaterial } from './dial.ts';
import { CONNECTIONS_MAX, HANDSHAKE_TIMEOUT_MS } from './limits.ts';

interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: (() => TlsMaterial) | null;
  /** A connection, TLS done and the certificate checked. To be taken in the same tick. */
  accept(socket: Socket): void;
  /** A connection that never came to be, and why. */
  failed(remote: string, error: Error): void;
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
  const server: TlsServer = createTlsServer({
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
  server.on('tlsClientError', (error, socket) => options.failed(socket.remoteAddress ?? '', error));
  return server;
}
