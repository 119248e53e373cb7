// Who comes to a TLS port: with a real TLS client whose writes are damaged on their way, or with other bytes.
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { until } from '../../../support/until.ts';
import { type ByteDamage, damageBytes } from '../../mutate.ts';
import type { ListenerName, Listeners } from './listeners.ts';

export interface Intruder {
  readonly listener: ListenerName;
  readonly speaks: 'tls' | 'http' | 'bytes' | 'nothing';
  /** The client's certificate. */
  readonly shown: 'good' | 'foreign' | 'none';
  readonly bytes: Uint8Array;
  /** Which of its writes is damaged; the first is the hello. */
  readonly at: number;
  readonly damages: readonly ByteDamage[];
  /** After the damaged write: as ever, nothing more, the end, or a byte of it now and then. */
  readonly next: 'go-on' | 'stop' | 'half-close' | 'reset' | 'drip';
}

export interface End {
  /** The client has seen a whole handshake. */
  readonly greeted: boolean;
  /** What came inside TLS. */
  readonly answer: string;
}

const REQUEST = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const DRIP_MS = 20;

/** The way of the client's bytes to the server. */
class Way extends Duplex {
  readonly #socket: Socket;
  readonly #intruder: Intruder;
  #writes = 0;

  constructor(socket: Socket, intruder: Intruder) {
    super();
    this.#socket = socket;
    this.#intruder = intruder;
    socket.on('data', (chunk) => void this.push(chunk));
    socket.on('close', () => this.destroy());
    this.on('error', () => {});
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const { at, damages, next } = this.#intruder;
    const order = this.#writes - at;
    this.#writes += 1;
    if (order < 0 || (order > 0 && next === 'go-on')) this.#socket.write(chunk);
    else if (order === 0) leave(this.#socket, damageBytes(chunk, damages), next);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#intruder.next === 'go-on') this.#socket.destroy();
    done(error);
  }

  override _final(done: () => void): void {
    // Whoever stops, or drips, does not say that this was all.
    if (this.#intruder.next === 'go-on' || this.#writes <= this.#intruder.at) this.#socket.end();
    done();
  }
}

function leave(socket: Socket, bytes: Buffer, next: Intruder['next']): void {
  if (next !== 'drip') socket.write(bytes);
  if (next === 'half-close') socket.end();
  if (next === 'reset') socket.resetAndDestroy();
  if (next !== 'drip') return;
  let sent = 0;
  const drip = setInterval(() => {
    if (sent < bytes.length) socket.write(bytes.subarray(sent, sent + 1));
    sent += 1;
  }, DRIP_MS);
  socket.once('close', () => clearInterval(drip));
}

/** Resolves when the connection has ended, which is the server's business where the intruder only waits. */
export async function intrude(intruder: Intruder, listeners: Listeners): Promise<End> {
  const socket = connectTcp({ port: listeners.port(intruder.listener), host: '127.0.0.1' });
  // A reset is one of the ways in which a connection ends.
  socket.on('error', () => {});
  const end = { greeted: false, answer: '' };
  if (intruder.speaks === 'tls') {
    const client = connectTls({ socket: new Way(socket, intruder), ...listeners.shown(intruder.shown) });
    client.on('error', () => client.destroy());
    client.on('secureConnect', () => {
      end.greeted = true;
      if (intruder.listener === 'api') client.write(REQUEST);
      else client.end();
    });
    client.on('data', (chunk) => {
      end.answer += chunk.toString('latin1');
    });
    client.on('end', () => client.end());
  } else {
    const said = { http: REQUEST, bytes: Buffer.from(intruder.bytes), nothing: '' }[intruder.speaks];
    socket.on('connect', () =>
      leave(socket, damageBytes(Buffer.from(said), intruder.damages), intruder.next),
    );
    socket.resume();
  }
  await until(`the connection has ended: ${JSON.stringify(intruder)}`, () => socket.closed);
  return end;
}
