// Which exchanges (a request and its answer) are under way on which connection. Node knows too, but does not say, and three
// things hang on it: closing idle connections when leadership ends (established ones survive a label change), never writing
// an error in the place of another request's answer (pipelining), and an orderly stop.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type SlowReaderBounds, SlowReaders } from './slow-readers.ts';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface Connection {
  /** In the order in which the requests came, which is the order of the answers. */
  readonly exchanges: Exchange[];
  /** No further request is wanted: closed as soon as nothing is under way. */
  closing: boolean;
  /** Closes it when that suits whoever has taken it over from HTTP; null where nobody has. */
  takenOver: (() => void) | null;
  /** What came last could not be parsed: answers under way are finished, then it is closed. */
  broken: boolean;
}

interface ConnectionBounds extends SlowReaderBounds {
  /** More are closed as they come. */
  readonly maxConnections: number;
}

export class Connections {
  readonly #connections = new Map<Socket, Connection>();
  /** In the middle of a TLS handshake, by the address of their other end, which they share with the socket that comes of it. */
  readonly #greeting = new Map<string, Socket>();
  readonly #slowReaders: SlowReaders;
  readonly #max: number;
  #closed = false;

  constructor(bounds: ConnectionBounds) {
    this.#slowReaders = new SlowReaders(bounds);
    this.#max = bounds.maxConnections;
  }

  get count(): number {
    return this.#connections.size + this.#greeting.size;
  }

  get #refuses(): boolean {
    return this.#closed || this.count >= this.#max;
  }

  watch(server: Server): void {
    const isTls = 'setSecureContext' in server;
    if (isTls) server.on('connection', (socket) => this.#greets(socket));
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
      if (isTls) this.#greeting.delete(otherEndOf(socket));
      // Accepted just before the listener closed: it could stay silent and keep the API open.
      if (this.#refuses) return void socket.destroy();
      this.#connections.set(socket, { exchanges: [], closing: false, takenOver: null, broken: false });
      this.#slowReaders.watch(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    // Before Fastify's own listener, which may answer at once.
    server.prependListener('request', (request, response) => this.#begin({ request, response }));
    // Fires when no byte moved for the server's timeout, with progress of a long write counted as movement.
    server.on('timeout', (socket) => {
      if (!this.#waitsForUs(socket)) this.#slowReaders.cut(socket);
    });
  }

  /** False for one that is no connection to speak HTTP on: its TLS handshake failed. */
  speaksHttp(socket: Socket): boolean {
    return this.#connections.has(socket);
  }

  /** True when the answer should say `Connection: close`: none is wanted after it and none is under way behind it. */
  isLast({ request, response }: Exchange): boolean {
    const connection = this.#connections.get(request.socket);
    return connection?.closing === true && connection.exchanges.at(-1)?.response === response;
  }

  /** Closes what is idle at once and the rest after the answers under way. */
  closeIdle(): void {
    for (const [socket, connection] of this.#connections) {
      connection.closing = true;
      if (connection.takenOver) connection.takenOver();
      else if (connection.exchanges.length === 0) socket.destroy();
    }
  }

  /** The connection speaks another protocol from now on: `close` is called where an idle one would be closed. */
  handOver(socket: Socket, close: () => void): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) connection.takenOver = close;
  }

  /** From now on every connection is closed once idle, and new ones at once. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#greeting.values()) socket.destroy();
    this.closeIdle();
  }

  destroyAll(): void {
    for (const socket of [...this.#connections.keys(), ...this.#greeting.values()]) socket.destroy();
  }

  /**
   * What may be done with a connection on which something unparseable came: `answer` when an error is what its client now
   * waits for, `closing` when answers to earlier requests are still to be written, `close` when one is half written.
   */
  breakOff(socket: Socket): 'answer' | 'closing' | 'close' {
    const connection = this.#connections.get(socket);
    const [oldest] = connection?.exchanges ?? [];
    if (connection === undefined || oldest === undefined) return 'answer';
    if (!oldest.request.complete) return oldest.response.headersSent ? 'close' : 'answer';
    connection.broken = true;
    return 'closing';
  }

  #greets(socket: Socket): void {
    if (this.#refuses) return void socket.destroy();
    const otherEnd = otherEndOf(socket);
    this.#greeting.set(otherEnd, socket);
    socket.once('close', () => {
      if (this.#greeting.get(otherEnd) === socket) this.#greeting.delete(otherEnd);
    });
  }

  #begin(exchange: Exchange): void {
    const { socket } = exchange.request;
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    connection.exchanges.push(exchange);
    exchange.response.once('close', () => {
      connection.exchanges.splice(connection.exchanges.indexOf(exchange), 1);
      const open = connection.exchanges.filter(({ request }) => request.complete || !connection.broken);
      if (open.length === 0 && (connection.closing || connection.broken)) socket.destroySoon();
    });
  }

  #waitsForUs(socket: Socket): boolean {
    const exchanges = this.#connections.get(socket)?.exchanges ?? [];
    return exchanges.some(({ request, response }) => request.complete && !response.headersSent);
  }
}

const otherEndOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
