// One connection as a sequence of frames. It ends once, with a reason, and tells so from a tick of its own: never from
// inside a call of its owner, who may be in the middle of something.
import type { Socket } from 'node:net';
import { encodeFrame, type Frame, FrameReader, MalformedFrame } from './frames.ts';
import type { Refusal } from './hello.ts';
import { remoteAddressOf } from './listener.ts';

/** Why a connection ended; also the label of a metric. */
export type CloseReason =
  | 'closed'
  | 'error'
  | 'malformed'
  | 'refused'
  | 'duplicate'
  | 'deadline'
  | 'silent'
  | 'overflow'
  | 'replaced'
  | 'shutdown';

export interface Ending {
  readonly reason: CloseReason;
  /** For people. */
  readonly detail: string;
}

/** That two connections were one too many is the way of things, not trouble. */
export const refusedWith = (refusal: string, who: string): Ending => ({
  reason: refusal === 'duplicate' ? 'duplicate' : 'refused',
  detail: `${who}: ${refusal}`,
});

type Count = (direction: 'in' | 'out', frames: number, bytes: number) => void;

export class Channel {
  readonly socket: Socket;
  /** host:port of the other side, for logs. */
  readonly remote: string;
  /** Takes the frames, one after the other. May throw MalformedFrame. */
  receive: (frame: Frame) => void = () => {};
  /**
   * Shown each chunk that begins where a frame does; true: it is one frame, and needs no reading, since it says what one like it
   * has said.
   */
  skim: (chunk: Buffer) => boolean = () => false;
  /** Told once, after the last frame. */
  ended: (ending: Ending) => void = () => {};
  count: Count = () => {};
  /** performance.now() of the last bytes in, and of the last frame out. */
  heardMs = performance.now();
  spokeMs = performance.now();
  #open = true;
  #corked = false;
  readonly #bufferBytesMax: number;
  readonly #reader = new FrameReader();

  constructor(socket: Socket, bufferBytesMax: number) {
    this.socket = socket;
    this.remote = `${remoteAddressOf(socket)}:${socket.remotePort}`;
    this.#bufferBytesMax = bufferBytesMax;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => this.close('closed', 'the other side closed the connection'));
    socket.on('error', (error) => this.close('error', error.message));
    socket.on('close', () => this.close('closed', 'the connection is gone'));
  }

  get open(): boolean {
    return this.#open;
  }

  /** Frames as large as they get are taken from now on. */
  trust(): void {
    this.#reader.trust();
  }

  /** Sends in order; what is sent without a wait between leaves in one system call. Ends the channel when too much is waiting. */
  send(header: object, payload: readonly Buffer[] = [], payloadCrc?: number): void {
    if (!this.#open) return;
    let parts: Buffer[];
    try {
      parts = encodeFrame(header, payload, payloadCrc);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.close('overflow', error.message);
      return;
    }
    if (!this.#corked) {
      this.#corked = true;
      this.socket.cork();
      queueMicrotask(() => {
        this.#corked = false;
        this.socket.uncork();
      });
    }
    let bytes = 0;
    for (const part of parts) {
      bytes += part.length;
      if (part.length > 0) this.socket.write(part);
    }
    this.#sent(bytes);
  }

  /** Sends a frame that is encoded already, at once. The same bytes may be sent again and again. */
  sendEncoded(frame: Buffer): void {
    if (!this.#open) return;
    this.socket.write(frame);
    this.#sent(frame.length);
  }

  #sent(bytes: number): void {
    this.spokeMs = performance.now();
    this.count('out', 1, bytes);
    if (this.socket.writableLength > this.#bufferBytesMax)
      this.close('overflow', `${this.socket.writableLength} bytes wait to be sent`);
  }

  /** Tells the other side why, then ends. */
  refuse(refusal: Refusal): void {
    if (!this.#open) return;
    this.send({ type: 'refuse', refusal });
    this.#end(refusedWith(refusal, 'refused here'));
    this.socket.destroySoon();
  }

  close(reason: CloseReason, detail: string): void {
    if (this.#end({ reason, detail })) this.socket.destroy();
  }

  /** Ends after what was sent has left, or at the latest after `timeoutMs`. Resolves when the socket is closed. */
  finish(timeoutMs: number): Promise<void> {
    this.#end({ reason: 'shutdown', detail: 'this logger is shutting down' });
    if (this.socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.socket.destroy(), timeoutMs);
      this.socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.socket.destroySoon();
    });
  }

  #end(ending: Ending): boolean {
    if (!this.#open) return false;
    this.#open = false;
    process.nextTick(() => this.ended(ending));
    return true;
  }

  #read(chunk: Buffer): void {
    if (!this.#open) return;
    this.heardMs = performance.now();
    if (this.#reader.idle && this.skim(chunk)) {
      this.count('in', 1, chunk.length);
      return;
    }
    let frames = 0;
    try {
      for (const frame of this.#reader.read(chunk)) {
        frames += 1;
        this.receive(frame);
        if (!this.#open) break;
      }
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.close('malformed', error.message);
    }
    this.count('in', frames, chunk.length);
  }
}
