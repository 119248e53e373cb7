// Appends over one WebSocket (docs/reference/api.md, Append stream): what a request of HTTP costs both sides, again and again, is
// paid once. A stream only ever makes things cheaper: whatever goes wrong on it ends it, and what it has not answered for is
// repeated over HTTP by whoever gave it.
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { STREAM_PROTOCOL, STREAM_ROUTE, type StreamRefusal } from '../api/stream-protocol.ts';
import type { AppendResult } from '../api/types.ts';
import { APPEND_PATH, APPEND_RESULT, checked } from './append-call.ts';
import { AnswerError, type Attempted, brokenOff, Superseded, type Tried } from './attempt.ts';
import { TimeoutError } from './http.ts';
import { failureIn } from './problem.ts';
import type { Access } from './settings.ts';
import { isCount, isObject, type ShapeOf, wrongMember } from './shapes.ts';

const MAX_ANSWER_BYTES = 64 * 1024;
/** How often the oldest batch without an answer is looked at: cheaper than a timer for each. */
const CHECK_MS = 20;
const NORMAL = 1000;
/** What a request costs is lost in the cost of a larger batch, and several requests are under way at a time. */
const SMALL_BYTES = 64 * 1024;
const STALE_TOKEN: readonly string[] = ['unauthorized', 'forbidden'];
const REFUSAL: ShapeOf<StreamRefusal> = { status: isCount, headers: isObject, body: isObject };

export interface StreamOptions {
  readonly connectTimeoutMs: number;
  /** Without an answer for so long, the loggers are asked who leads. */
  readonly silentMs: number;
  readonly requestTimeoutMs: number;
  readonly access: Access;
}

export interface StreamEvents {
  /** The oldest batch waits longer than it should, or no longer. */
  onSilent(silent: boolean): void;
  /** Nothing more can be appended. Called once, before what is under way is settled. */
  onEnd(): void;
}

type Settle = (tried: Tried<AppendResult> | null) => void;

interface Waiting {
  readonly count: number;
  readonly sentMs: number;
  readonly settle: Settle;
}

/** Resolves null where there is no stream to be had, whatever the reason: the requests that go on instead will tell. */
export function openStream(
  url: string,
  options: StreamOptions,
  events: StreamEvents,
): Promise<AppendStream | null> {
  // What is given as token or authorities may be of no use, which some of what is called here throws.
  return new Promise<AppendStream | null>((resolve) => {
    const ws = dialled(url, options);
    ws.on('error', () => resolve(null));
    ws.once('upgrade', ({ socket }) =>
      ws.once('open', () => resolve(new AppendStream(ws, socket, url, options, events))),
    );
  }).catch(() => null);
}

function dialled(url: string, { access, connectTimeoutMs }: StreamOptions): WebSocket {
  const token = access.token();
  const ca = access.ca();
  return new WebSocket(url.replace(/^http/, 'ws') + STREAM_ROUTE, [STREAM_PROTOCOL], {
    handshakeTimeout: connectTimeoutMs,
    perMessageDeflate: false,
    maxPayload: MAX_ANSWER_BYTES,
    ...(token !== '' && { headers: { authorization: `Bearer ${token}` } }),
    ...(ca !== undefined && { ca }),
    // Masks keep scripts of web pages from choosing the bytes that proxies see. We are none, and they cost a pass on each side.
    generateMask: (mask) => void mask.fill(0),
  });
}

export class AppendStream {
  readonly url: string;
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #options: StreamOptions;
  readonly #events: StreamEvents;
  /** In the order sent, which is that of the answers. */
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;
  #silent = false;
  #open = true;

  constructor(ws: WebSocket, socket: Socket, url: string, options: StreamOptions, events: StreamEvents) {
    this.#ws = ws;
    this.#socket = socket;
    // As with requests: a program that has nothing under way may end.
    socket.unref();
    this.url = url;
    this.#options = options;
    this.#events = events;
    ws.on('message', (data: Buffer, isBinary: boolean) => this.#answered(data, isBinary));
    ws.on('error', (error) => this.#end(error));
    ws.on('close', (code) => this.#end(new Error(`the stream was closed (${code})`)));
  }

  takes(sizeBytes: number): boolean {
    return sizeBytes <= SMALL_BYTES && this.#open && this.#ws.readyState === WebSocket.OPEN;
  }

  /**
   * Sends a batch, whose bytes must stay as they are until `settle` is called, which is once: with null when nothing is told of the
   * batch.
   */
  append(batch: Buffer, count: number, settle: Settle): void {
    if (this.#waiting.length === 0) this.#socket.ref();
    this.#waiting.push({ count, sentMs: performance.now(), settle });
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS);
    this.#ws.send(batch);
  }

  /** Another logger leads: what is under way is settled as superseded. */
  supersede(other: string): void {
    this.#end(new Superseded(`${other} leads now`));
  }

  /** In an orderly way once nothing is under way. */
  close(): void {
    if (this.#waiting.length > 0) this.#end(new Error('the client was closed'));
    if (!this.#open) return;
    this.#finish();
    this.#ws.close(NORMAL);
  }

  #answered(data: Buffer, isBinary: boolean): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined || isBinary) {
      this.#end(new Error('an answer to nothing'));
      return;
    }
    if (this.#waiting.length === 0) this.#socket.unref();
    if (this.#silent) this.#tellSilent(false);
    const result = this.#resultIn(data.toString('utf8'), waiting.count);
    // The token that it was opened with is no longer the one to show.
    const isStale = result.kind === 'final' && STALE_TOKEN.includes(result.error.code);
    if (isStale) this.close();
    waiting.settle(isStale ? null : { ...result, url: this.url });
  }

  #resultIn(text: string, count: number): Attempted<AppendResult> {
    try {
      const answer: unknown = JSON.parse(text);
      if (isObject(answer) && wrongMember(answer, APPEND_RESULT) === null)
        return { kind: 'done', value: checked(answer as unknown as AppendResult, count) };
      if (!isObject(answer) || wrongMember(answer, REFUSAL) !== null)
        throw new AnswerError(`an answer that makes no sense: ${text.slice(0, 100)}`);
      const { status, headers, body } = answer as unknown as StreamRefusal;
      return failureIn({ status, headers }, Buffer.from(JSON.stringify(body)), this.url, APPEND_PATH);
    } catch (error) {
      return brokenOff(error instanceof AnswerError ? error : new AnswerError('the answer is not JSON'));
    }
  }

  #check(): void {
    const [oldest] = this.#waiting;
    if (oldest === undefined) {
      if (this.#timer) clearInterval(this.#timer);
      this.#timer = null;
      return;
    }
    const { silentMs, requestTimeoutMs } = this.#options;
    const ageMs = performance.now() - oldest.sentMs;
    if (ageMs > requestTimeoutMs)
      this.#end(new TimeoutError(`no answer from ${this.url} in ${requestTimeoutMs} ms`));
    else if (ageMs > silentMs && !this.#silent) this.#tellSilent(true);
  }

  #tellSilent(silent: boolean): void {
    this.#silent = silent;
    this.#events.onSilent(silent);
  }

  /** What waits to be sent is not: its bytes may be others soon. */
  #end(reason: Error): void {
    if (!this.#open) return;
    this.#finish();
    this.#ws.terminate();
    const failure = { ...brokenOff(reason), url: this.url };
    for (const { settle } of this.#waiting.splice(0)) settle(failure);
  }

  #finish(): void {
    this.#open = false;
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#silent) this.#tellSilent(false);
    this.#events.onEnd();
  }
}
