// Which exchanges (a request and its answer) are under way on which connection. Node knows too, but does not say, and three
// things hang on it: closing idle connections when leadership ends (established ones survive a label change), never writing
// an error in the place of another request's answer (pipelining), and an orderly stop.
//
// When all places are taken, new connections are spare ones: they are answered probes and metrics, and a refusal to all else, and
// closed. Without them idle connections alone made the kubelet kill the pod, since nobody could ask whether it lives.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LoggerError } from '../errors.ts';
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
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly spareConnections: number;
}

/** From its first byte on, a TLS handshake included, and by the address of its other end, which all its sockets share. */
interface Place {
  /** The one to destroy; a handshake that is done gives another. */
  socket: Socket;
  readonly isSpare: boolean;
}

export class Connections {
  readonly #connections = new Map<Socket, Connection>();
  readonly #places = new Map<string, Place>();
  /** Keys of the spare ones, the oldest first. */
  readonly #spares = new Set<string>();
  /** Places of each address, spare ones left out. */
  readonly #perAddress = new Map<string, number>();
  readonly #slowReaders: SlowReaders;
  readonly #bounds: ConnectionBounds;
  #closed = false;

  constructor(bounds: ConnectionBounds) {
    this.#slowReaders = new SlowReaders(bounds);
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#places.size;
  }

  watch(server: Server): void {
    const isTls = 'setSecureContext' in server;
    server.on('connection', (socket) => this.#take(socket));
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
      const place = this.#places.get(otherEndOf(socket));
      // Refused, or accepted just before the listener closed: it could stay silent and keep the API open.
      if (place === undefined || this.#closed) return void socket.destroy();
      place.socket = socket;
      const closing = place.isSpare;
      this.#connections.set(socket, { exchanges: [], closing, takenOver: null, broken: false });
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

  /** Whether nothing but probes is answered there. */
  isSpare(socket: Socket): boolean {
    return this.#places.get(otherEndOf(socket))?.isSpare === true;
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
    for (const { socket } of this.#places.values()) if (!this.#connections.has(socket)) socket.destroy();
    this.closeIdle();
  }

  destroyAll(): void {
    for (const { socket } of this.#places.values()) socket.destroy();
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

  /** Gives a new connection its place, until it is closed. */
  #take(socket: Socket): void {
    const { maxConnections, maxConnectionsPerAddress, spareConnections } = this.#bounds;
    const { remoteAddress: address } = socket;
    // The client has left already.
    if (this.#closed || address === undefined) return void socket.destroy();
    const otherEnd = otherEndOf(socket);
    const fromThere = this.#perAddress.get(address) ?? 0;
    const isFull = this.count - this.#spares.size >= maxConnections || fromThere >= maxConnectionsPerAddress;
    if (isFull && this.#spares.size >= spareConnections) this.#dropOldestSpare();
    const place = { socket, isSpare: isFull };
    this.#places.set(otherEnd, place);
    if (isFull) this.#spares.add(otherEnd);
    else this.#perAddress.set(address, fromThere + 1);
    socket.once('close', () => {
      // One that was dropped has no place any more, and another may have come from the same port.
      if (this.#places.get(otherEnd) === place) this.#leave(otherEnd, place, address);
    });
  }

  #leave(otherEnd: string, { isSpare }: Place, address: string): void {
    this.#places.delete(otherEnd);
    if (isSpare) return void this.#spares.delete(otherEnd);
    const left = (this.#perAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }

  #dropOldestSpare(): void {
    const [oldest] = this.#spares;
    if (oldest === undefined) return;
    this.#places.get(oldest)?.socket.destroy();
    this.#places.delete(oldest);
    this.#spares.delete(oldest);
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

export const tooManyConnections = (): LoggerError =>
  new LoggerError('overloaded', 'as many connections are open, or from this address, as may be');
