// One append stream: each binary message is a record batch, each answer a text message, in the order of the batches. It is an
// append over HTTP without what HTTP costs each time, with the same judgement and the same answers. Whoever takes no answers,
// stops in the middle of a message or has nothing to say loses the stream.
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { LoggerError } from '../errors.ts';
import { isLed } from './append.ts';
import { batchOfBody } from './batch-body.ts';
import { tooLarge } from './body.ts';
import { type ApiContext, type ApiMetrics, type AppendCode, LOG_ROUTE } from './context.ts';
import { refuseUnlessLeading } from './leader.ts';
import { judgedError } from './problems.ts';
import type { AppendResult } from './types.ts';

/** Batches without an answer: beyond these nothing is read. */
const UNANSWERED_MAX = 32;
/** Answers that wait to be sent: those of all that one read may bring, and no more. */
const UNREAD_BYTES_MAX = 256 * 1024;
/** A batch that is a part of a larger buffer is copied when it would keep so many times its size in memory. */
const KEPT_FACTOR = 2;

/** Of a ping or a pong, which are masked as all that a client sends: what comes before its data. */
const CONTROL_HEAD_BYTES = 6;

/** Of the closing handshake (RFC 6455, 7.4.1). */
const NORMAL = 1000;
const GOING_AWAY = 1001;

export interface StreamParts extends ApiContext {
  readonly metrics: ApiMetrics;
  /** Why nothing is taken any more, for whatever reason; asked for each batch. */
  readonly refusal: () => LoggerError | undefined;
}

interface Entry {
  /** Null while there is no answer yet. */
  text: string | null;
}

interface Sample {
  code: AppendCode;
  records: number;
}

export class AppendStream {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #parts: StreamParts;
  /** In the order of the batches. */
  readonly #entries: Entry[] = [];
  /** Of a message that is not whole yet: charged to the budget. */
  #partialBytes = 0;
  #partialSinceMs = 0;
  #lastMs = performance.now();
  #closing = false;
  /** When the closing handshake began. */
  #closedMs: number | null = null;

  constructor(ws: WebSocket, socket: Socket, parts: StreamParts) {
    this.#ws = ws;
    this.#socket = socket;
    this.#parts = parts;
    // Before the reader of messages has its turn with them.
    const arriving = (chunk: Buffer): void => this.#arriving(chunk.length);
    socket.prependListener('data', arriving);
    ws.on('message', (data: Buffer, isBinary: boolean) => this.#take(data, isBinary));
    // No part of a message: many of them would look like one that is never whole.
    for (const event of ['ping', 'pong'] as const)
      ws.on(event, (data) => this.#arrived(CONTROL_HEAD_BYTES + data.length));
    // It is closed then, with a code that says why, and what still comes is thrown away.
    ws.on('error', () => {
      socket.off('data', arriving);
      this.#arrived();
    });
    ws.once('close', () => this.#arrived());
  }

  /** Closes it once every batch is answered. */
  close(): void {
    this.#closing = true;
    if (this.#entries.length === 0) this.#shakeHands(GOING_AWAY);
  }

  #shakeHands(code: number): void {
    this.#closedMs ??= performance.now();
    this.#ws.close(code);
  }

  check(nowMs: number): void {
    const { requestTimeoutMs, keepAliveTimeoutMs, lingerMs } = this.#parts.bounds;
    const isStuck = this.#partialBytes > 0 && nowMs - this.#partialSinceMs > requestTimeoutMs;
    const isIgnored = this.#closedMs !== null && nowMs - this.#closedMs > lingerMs;
    if (isStuck || isIgnored) this.#ws.terminate();
    else if (this.#entries.length === 0 && nowMs - this.#lastMs > keepAliveTimeoutMs)
      this.#shakeHands(NORMAL);
  }

  #arriving(bytes: number): void {
    if (this.#partialBytes === 0) this.#partialSinceMs = performance.now();
    try {
      this.#parts.budget.take(bytes);
      this.#partialBytes += bytes;
    } catch {
      // What there is of the message is refused as a whole, by the end of the stream; its sender repeats it by a POST.
      this.#ws.terminate();
    }
  }

  /** A whole message, unless it is told how much. What came behind one in the same read is no longer counted. */
  #arrived(bytes: number = this.#partialBytes): void {
    const released = Math.min(bytes, this.#partialBytes);
    this.#parts.budget.release(released);
    this.#partialBytes -= released;
  }

  #take(data: Buffer, isBinary: boolean): void {
    this.#arrived();
    // Nobody would learn what became of it.
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const startedMs = performance.now();
    this.#lastMs = startedMs;
    const entry: Entry = { text: null };
    this.#entries.push(entry);
    if (this.#entries.length >= UNANSWERED_MAX) this.#ws.pause();
    const sample: Sample = { code: 'ok', records: 0 };
    const settle = (text: string): void => {
      entry.text = text;
      const isGone = this.#ws.readyState !== this.#ws.OPEN;
      const seconds = (performance.now() - startedMs) / 1000;
      const code = isGone ? 'left' : sample.code;
      this.#parts.metrics.onAppend({ code, seconds, records: sample.records, bytes: data.length });
      this.#answer();
    };
    this.#append(data, isBinary, sample).then(
      ({ offset, count, epoch }) => settle(`{"offset":${offset},"count":${count},"epoch":${epoch}}`),
      (error) => settle(this.#refusalText(error, sample)),
    );
  }

  async #append(data: Buffer, isBinary: boolean, sample: Sample): Promise<AppendResult> {
    const { service, budget, limits, bounds, refusal } = this.#parts;
    const refused = refusal();
    if (refused) throw refused;
    if (!isBinary) throw new LoggerError('invalid-request', 'a message is text, and no record batch');
    // The operator's limit may be below that of messages.
    if (data.length > limits.bodyBytes) throw tooLarge({ bytes: limits.bodyBytes, code: 'body-too-large' });
    budget.take(data.length);
    try {
      if (!isLed(service)) await service.leaderKnown();
      refuseUnlessLeading(service);
      const recordLimits = { recordBytes: limits.recordBytes, maxRecords: bounds.maxRecordsPerAppend };
      const batch = batchOfBody(ownBytes(data), recordLimits);
      sample.records = batch.count;
      return await service.appendBatch(batch);
    } finally {
      budget.release(data.length);
    }
  }

  /** As a POST of the batch would have been answered. */
  #refusalText(error: unknown, sample: Sample): string {
    const { code, answer } = judgedError(error, LOG_ROUTE, 'POST', this.#parts);
    sample.code = code;
    const { status, headers, body } = answer;
    return `{"status":${status},"headers":${JSON.stringify(headers)},"body":${body.toString('utf8')}}`;
  }

  #answer(): void {
    const isFull = this.#entries.length >= UNANSWERED_MAX;
    for (let [next] = this.#entries; next && next.text !== null; [next] = this.#entries) {
      this.#entries.shift();
      this.#ws.send(next.text);
    }
    const isOpen = this.#ws.readyState === this.#ws.OPEN;
    if (isOpen && this.#socket.writableLength > UNREAD_BYTES_MAX) {
      this.#parts.metrics.onSlowReader();
      this.#ws.terminate();
    }
    if (isFull && this.#entries.length < UNANSWERED_MAX) this.#ws.resume();
    this.#lastMs = performance.now();
    if (this.#closing) this.close();
  }
}

/** The batch stays in the window of recent ones: a small part of a large read would keep all of that there. */
function ownBytes(data: Buffer): Buffer {
  if (data.buffer.byteLength <= KEPT_FACTOR * data.length) return data;
  const own = Buffer.allocUnsafeSlow(data.length);
  data.copy(own);
  return own;
}
