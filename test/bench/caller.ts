// A client of plain HTTP on one bare connection, with one request at a time: it costs as little as a client can.
import { connect, type Socket } from 'node:net';

export interface CallAnswer {
  readonly status: number;
  /** Head and body. */
  readonly text: string;
}

/** Where the three digits of an answer's status are. */
const STATUS_AT = 'HTTP/1.1 '.length;
const ANSWER_END = '}';

export class Caller {
  readonly #socket: Socket;
  readonly #host: string;
  #text = '';
  #answered: { resolve: (answer: CallAnswer) => void; reject: (error: Error) => void } | null = null;
  closed = false;

  constructor(api: string) {
    const { host, hostname, port } = new URL(api);
    this.#host = host;
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    this.#socket.on('error', (error) => this.#answered?.reject(error));
    this.#socket.on('close', () => {
      this.closed = true;
      this.#answered?.reject(new Error('the connection was closed'));
    });
  }

  /** Appends one record. Rejects when the connection ends before the answer. */
  post(record: Buffer): Promise<CallAnswer> {
    const head = `POST /api/v1/log HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: text/plain\r\nContent-Length: ${record.length}\r\n\r\n`;
    return new Promise((resolve, reject) => {
      this.#answered = { resolve, reject };
      this.#socket.write(Buffer.concat([Buffer.from(head), record]));
    });
  }

  /** An answer is small and its body one JSON object. */
  #read(text: string): void {
    this.#text += text;
    if (!this.#text.endsWith(ANSWER_END)) return;
    const whole = this.#text;
    this.#text = '';
    const answered = this.#answered;
    this.#answered = null;
    answered?.resolve({ status: Number(whole.slice(STATUS_AT, STATUS_AT + 3)), text: whole });
  }

  end(): void {
    this.closed = true;
    this.#answered = null;
    this.#socket.destroy();
  }
}
