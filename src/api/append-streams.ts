// GET /api/v1/log/stream: who is let in, and what all streams have in common. Everything that can be refused is refused by an
// answer of HTTP, before the connection becomes a WebSocket.
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { LoggerError } from '../errors.ts';
import { ServerResponse } from '../node-http.ts';
import { type Access, refusalFor } from './access.ts';
import { isLed } from './append.ts';
import { AppendStream, type StreamParts } from './append-stream.ts';
import { tooManyConnections } from './connections.ts';
import type { ApiContext, ApiMetrics } from './context.ts';
import { refuseUnlessLeading } from './leader.ts';
import { judgedError } from './problems.ts';
import { oddityOf } from './request-head.ts';
import { STREAM_MESSAGE_BYTES, STREAM_PROTOCOL, STREAM_ROUTE } from './stream-protocol.ts';

/** Whether a request is for this: all others that ask for another protocol are answered as if they had not. */
export const wantsStream = ({ method, url, headers }: IncomingMessage): boolean =>
  method === 'GET' && url === STREAM_ROUTE && headers.upgrade?.toLowerCase() === 'websocket';

export interface StreamDoor {
  readonly metrics: ApiMetrics;
  readonly access: Access | null;
  /** What refuses every request. */
  readonly refusal: () => LoggerError | undefined;
}

/** Takes the server's requests for streams. */
export function openStreams(server: Server, context: ApiContext, door: StreamDoor): void {
  new AppendStreams(context, door).listenTo(server);
}

class AppendStreams {
  readonly #context: ApiContext;
  readonly #door: StreamDoor;
  readonly #streams = new Set<AppendStream>();
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: STREAM_MESSAGE_BYTES,
    // A client that does not name the protocol has read the documentation of another one.
    handleProtocols: (protocols) => (protocols.has(STREAM_PROTOCOL) ? STREAM_PROTOCOL : false),
  });
  #timer: NodeJS.Timeout | undefined;

  constructor(context: ApiContext, door: StreamDoor) {
    this.#context = context;
    this.#door = door;
  }

  listenTo(server: Server): void {
    server.on('upgrade', (request, socket, head) => {
      // It may break while nobody else listens.
      socket.on('error', () => socket.destroy());
      // Behind a request whose answer is still to be written: Node would let ours overtake it.
      const way = this.#context.connections.breakOff(socket as Socket);
      if (way === 'close') socket.destroy();
      if (way !== 'answer') return;
      void this.#open(request, socket as Socket, head);
    });
    this.#server.on('wsClientError', (error, socket, request) =>
      this.#refuse(request, socket as Socket, new LoggerError('invalid-request', error.message)),
    );
  }

  async #open(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const { service, hosts, connections } = this.#context;
    const startedMs = performance.now();
    try {
      if (connections.isSpare(socket)) throw tooManyConnections();
      const refused = oddityOf(request, hosts) ?? this.#refusal(request);
      if (refused) throw refused;
      if (!isLed(service)) await service.leaderKnown();
      refuseUnlessLeading(service);
    } catch (error) {
      this.#refuse(request, socket, error);
      return;
    }
    if (socket.destroyed) return;
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      const seconds = (performance.now() - startedMs) / 1000;
      this.#door.metrics.onRequest({ route: STREAM_ROUTE, method: 'GET', status: 101, seconds });
      this.#begin(ws, request, socket);
    });
  }

  #refusal({ headers }: IncomingMessage): LoggerError | undefined {
    const { refusal, access } = this.#door;
    return refusal() ?? (access ? refusalFor('produce', headers, access.tokens()) : undefined);
  }

  #begin(ws: WebSocket, request: IncomingMessage, socket: Socket): void {
    const { access, metrics, refusal } = this.#door;
    let judged = access?.tokens();
    const parts: StreamParts = {
      ...this.#context,
      metrics,
      refusal: () => {
        const tokens = access?.tokens();
        // The digest of a token for each batch would cost more than the batch's own.
        if (tokens === judged) return refusal();
        const refused = this.#refusal(request);
        if (!refused) judged = tokens;
        return refused;
      },
    };
    const stream = new AppendStream(ws, socket, parts);
    this.#streams.add(stream);
    this.#timer ??= setInterval(() => this.#check(), this.#context.bounds.timeoutCheckMs).unref();
    this.#context.connections.handOver(socket, () => stream.close());
    ws.once('close', () => this.#forget(stream));
  }

  #check(): void {
    const nowMs = performance.now();
    for (const stream of this.#streams) stream.check(nowMs);
  }

  #forget(stream: AppendStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #refuse(request: IncomingMessage, socket: Socket, error: unknown): void {
    const { answer } = judgedError(error, STREAM_ROUTE, 'GET', this.#context);
    const { status, headers, body } = answer;
    this.#door.metrics.onRequest({ route: STREAM_ROUTE, method: 'GET', status, seconds: 0 });
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.writeHead(status, { ...headers, 'content-length': body.length, connection: 'close' });
    response.end(body, () => socket.destroySoon());
  }
}
