// HTTPS: the same server with a certificate, which is replaced while it runs. Each connection is made with the certificate that
// is current then; those that stand go on.
import type { Server, ServerOptions } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Bounds } from './bounds.ts';

/** PEM texts; the same object while they are the same. */
export type ServerTls = () => { readonly cert: string; readonly key: string };

const VERSIONS = { minVersion: 'TLSv1.2' } as const;

/** For Fastify, which takes the options of Node's server under the name of its kind. */
export function serverOptions(tls: ServerTls | null, bounds: Bounds, options: ServerOptions) {
  if (tls === null) return { http: options };
  const { cert, key } = tls();
  // Fastify has a type for each kind of server; behind it they are the same to us.
  return {
    https: { ...options, ...VERSIONS, cert, key, handshakeTimeout: bounds.tlsHandshakeTimeoutMs },
  } as unknown as { http: ServerOptions };
}

export function renewCertificate(server: Server, tls: ServerTls): void {
  let used = tls();
  // Before Node's own listener, which begins the handshake with the context of then.
  server.prependListener('connection', () => {
    const now = tls();
    if (now === used) return;
    used = now;
    (server as unknown as SecureServer).setSecureContext({ ...VERSIONS, cert: now.cert, key: now.key });
  });
}
