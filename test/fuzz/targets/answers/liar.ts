// A server that answers with what a case says, byte for byte, and with good answers once the case's are used up.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { type ByteDamage, damageBytes, damageJson, type JsonDamage } from '../../mutate.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON, one line each where it is a list of rows. */
  readonly body: unknown;
  readonly lines?: boolean;
}

export interface Lie {
  readonly status: number | null;
  readonly json: readonly JsonDamage[];
  readonly header: { readonly at: number; readonly value: string } | null;
  readonly bytes: readonly ByteDamage[];
  /** After the answer: go on, close, reset, or say nothing at all. */
  readonly end: 'keep' | 'close' | 'reset' | 'silence';
}

export function bytesOf({ status, headers, body, lines = false }: Answer, lie: Lie | null): Buffer {
  const said = lie === null ? body : damageJson(body, lie.json);
  const text =
    lines && Array.isArray(said)
      ? said.map((row) => `${JSON.stringify(row)}\n`).join('')
      : JSON.stringify(said);
  const content = Buffer.from(text ?? '');
  const fields: [string, string][] = Object.entries({ ...headers, 'content-length': String(content.length) });
  if (lie?.header) {
    const field = fields[lie.header.at % fields.length];
    if (field) field[1] = lie.header.value;
  }
  const head = [
    `HTTP/1.1 ${lie?.status ?? status} X`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ];
  const whole = Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), content]);
  return lie === null ? whole : damageBytes(whole, lie.bytes);
}

/** The first line of a request, and its fields. */
export type Question = string;

export class Liar {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #good: (question: Question) => Answer;
  lies: Lie[] = [];
  questions = 0;

  static async open(good: (question: Question) => Answer): Promise<Liar> {
    const server = createServer();
    const liar = new Liar(server, good);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return liar;
  }

  private constructor(server: Server, good: (question: Question) => Answer) {
    this.#server = server;
    this.#good = good;
    server.on('connection', (socket) => {
      // A loop that has not ended yet may still ask: it must not keep the server open.
      if (!server.listening) return void socket.destroy();
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
      this.#serve(socket);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #serve(socket: Socket): void {
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      for (;;) {
        const end = held.indexOf('\r\n\r\n');
        if (end === -1) return;
        const head = held.toString('latin1', 0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (held.length < end + 4 + length) return;
        held = held.subarray(end + 4 + length);
        this.#answer(socket, head);
      }
    });
  }

  #answer(socket: Socket, head: Question): void {
    this.questions += 1;
    const lie = this.lies.shift() ?? null;
    if (lie?.end === 'silence') return;
    socket.write(bytesOf(this.#good(head), lie));
    if (lie?.end === 'close') socket.end();
    else if (lie?.end === 'reset') socket.resetAndDestroy();
  }

  breakAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.breakAll();
    await closed;
  }
}
