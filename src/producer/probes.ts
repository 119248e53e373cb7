// Probes and metrics of the producer. Live is that it answers; ready is that its messages are acknowledged.

import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from '../node-http.ts';

export interface ProbesParts {
  readonly host: string;
  readonly port: number;
  /** Null when ready, else the reason why not. */
  readonly notReady: () => string | null;
  readonly metrics: () => Promise<{ contentType: string; body: string }>;
}

export interface Probes {
  readonly url: string;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 100;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_HEADER_BYTES = 8 * 1024;

/** Listens; rejects when the address cannot be had. */
export async function startProbes(parts: ProbesParts): Promise<Probes> {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => {
      // A body is of no use here, and would otherwise be waited for.
      request.resume();
      answer(parts, request.method ?? '', request.url ?? '', response).catch((error: unknown) => {
        text(response, 500, String(error));
      });
    },
  );
  boundConnections(server);
  await once(server.listen(parts.port, parts.host), 'listening');
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
    close: () => closed(server),
  };
}

/** The longest open one makes room for the next: were it refused, silent connections would fail the kubelet's probes. */
function boundConnections(server: Server): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    const [oldest] = open;
    if (oldest !== undefined && open.size >= MAX_CONNECTIONS) {
      oldest.destroy();
      open.delete(oldest);
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
}

async function answer(
  parts: ProbesParts,
  method: string,
  url: string,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return text(response, 405, `${method} is not taken here`);
  }
  switch (url.split('?', 1)[0]) {
    case '/livez':
      return text(response, 200, 'ok');
    case '/readyz': {
      const reason = parts.notReady();
      return text(response, reason === null ? 200 : 503, reason ?? 'ok');
    }
    case '/metrics': {
      const { contentType, body } = await parts.metrics();
      response.writeHead(200, { 'content-type': contentType }).end(body);
      return;
    }
    default:
      return text(response, 404, 'there are /livez, /readyz and /metrics');
  }
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${body}\n`);
}

async function closed(server: Server): Promise<void> {
  const closing = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closing;
}
