// The attacker's end of a connection: writes a damaged conversation and listens for answers as far as they make sense.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameReader, MalformedFrame } from '../../../../src/replication/frames.ts';
import { type Hello, MAGIC, VERSION } from '../../../../src/replication/hello.ts';
import type { Part } from './frames.ts';

/** An answer that does not come within this will not come, or the next step does not need it. */
const ANSWER_MS = 20;
/** Where nothing is damaged it will come, however busy the machine is. */
const SURE_ANSWER_MS = 5000;
/** Once one has not come the others will hardly. */
const LATER_ANSWER_MS = 3;

/** Each piece costs a turn of the event loop. */
const PIECES_MAX = 4;

export const hello = (change: Partial<Hello> = {}): Hello => ({
  type: 'hello',
  magic: MAGIC,
  version: VERSION,
  cluster: 'fuzz',
  id: 'logger-1',
  uid: 'uid-9',
  peer: '127.0.0.1:1',
  boot: 'boot',
  kind: 'data',
  to: 'logger-0',
  beatPort: 1,
  ...change,
});

export class Attacker {
  readonly socket: Socket;
  /** Types of the messages that came. */
  readonly heard: string[] = [];
  readonly #reader = new FrameReader();
  #answerMs: number;
  #changed = Promise.withResolvers<void>();

  /** `to` is a port, or a connection that is made already. */
  constructor(to: number | Socket, isDamaged = true) {
    this.#answerMs = isDamaged ? ANSWER_MS : SURE_ANSWER_MS;
    this.socket = typeof to === 'number' ? connect(to, '127.0.0.1') : to;
    this.#reader.trust();
    this.socket.on('data', (chunk) => this.#read(chunk));
    // A reset is one of the ways in which the other side ends a connection.
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#wake());
  }

  #read(chunk: Buffer): void {
    try {
      for (const { header } of this.#reader.read(chunk)) this.heard.push((header as { type: string }).type);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      throw new Error('the logger itself sent a malformed frame', { cause: error });
    }
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Writes the parts, whole or `pieceBytes` at a time. */
  async say(parts: readonly Part[], pieceBytes: number): Promise<void> {
    for (const { bytes, answer, reset } of parts) {
      if (this.socket.destroyed) return;
      const before = this.heard.length;
      const step =
        pieceBytes === 0 ? bytes.length || 1 : Math.max(pieceBytes, Math.ceil(bytes.length / PIECES_MAX));
      for (let from = 0; from < bytes.length; from += step) {
        this.socket.write(bytes.subarray(from, from + step));
        if (pieceBytes > 0) await sleep(0);
      }
      if (answer !== null) await this.#hear(answer, before);
      if (reset) this.socket.resetAndDestroy();
    }
  }

  async #hear(answer: string, before: number): Promise<void> {
    const deadline = sleep(this.#answerMs);
    let late = false;
    void deadline.then(() => {
      late = true;
    });
    while (!late && !this.socket.destroyed && !this.heard.slice(before).includes(answer))
      await Promise.race([this.#changed.promise, deadline]);
    if (late) this.#answerMs = LATER_ANSWER_MS;
  }

  async end(): Promise<void> {
    if (this.socket.closed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }
}
