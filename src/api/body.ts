// Receives a request body: within its limit, within the memory set aside for all bodies, and in time (Node's request
// timeout ends the connection). The client that asks first (`Expect: 100-continue`) is told to go on only here, once
// everything that can be refused by the headers alone has been.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { type ErrorCode, LoggerError, messageOf } from '../errors.ts';
import type { ByteBudget } from './budget.ts';
import { codingOf, decoderOf } from './content-coding.ts';

export interface BodyLimit {
  readonly bytes: number;
  readonly code: Extract<ErrorCode, 'body-too-large' | 'record-too-large'>;
}

export const tooLarge = ({ bytes, code }: BodyLimit): LoggerError =>
  new LoggerError(code, `the body is larger than ${bytes} bytes`, { extra: { limitBytes: bytes } });

/** Refuses by Content-Length, before anything of the body is read. */
export function refuseDeclaredSize(request: IncomingMessage, limit: BodyLimit): void {
  if (Number(request.headers['content-length'] ?? 0) > limit.bytes) throw tooLarge(limit);
}

/**
 * The parser makes a copy of each chunk, so one chunk is the body as it is. `Buffer.concat` would copy a small one into Node's pool,
 * where the batches of the recent window come from too: each of them then held the bytes of a body that nobody needs.
 */
function joined(chunks: readonly Buffer[], size: number): Buffer {
  const [first] = chunks;
  // Were it a view of a read buffer, it would keep all of that.
  const isOwn = chunks.length === 1 && first?.buffer.byteLength === size;
  return isOwn ? first : Buffer.concat(chunks, size);
}

const continued = new WeakSet<IncomingMessage>();

const asksFirst = (request: IncomingMessage): boolean =>
  request.httpVersion === '1.1' && /^100-continue$/i.test(request.headers.expect ?? '');

/** True while the client waits for a `100 Continue` that it was not sent: then it may never send the body. */
export const awaitsContinue = (request: IncomingMessage): boolean =>
  asksFirst(request) && !continued.has(request);

/**
 * After its answer 408 a connection is still read, so that its client gets that answer. A logger that stood still may find the rest
 * of the request then, or all of it; but the client was told that nothing is stored.
 */
const answeredAlready = (): LoggerError =>
  new LoggerError('request-timeout', 'the request became whole after the connection had been given up');

/**
 * The whole body, decoded where it is coded; the limit holds for what comes and for what it decodes to. Its bytes stay charged to
 * `budget` until the response is closed, since an append holds them so long.
 */
export function receiveBody(
  request: IncomingMessage,
  response: ServerResponse,
  limit: BodyLimit,
  budget: ByteBudget,
): Promise<Buffer> {
  if (awaitsContinue(request)) {
    continued.add(request);
    response.writeContinue();
  }
  let charged = 0;
  response.once('close', () => budget.release(charged));
  const charge = (bytes: number): void => {
    budget.take(bytes);
    charged += bytes;
  };
  const coding = codingOf(request.headers);
  return coding === 'identity'
    ? collect(request, request, limit, charge)
    : decode(request, coding, limit, charge);
}

async function decode(
  request: IncomingMessage,
  coding: Parameters<typeof decoderOf>[0],
  limit: BodyLimit,
  charge: (bytes: number) => void,
): Promise<Buffer> {
  const decoder = decoderOf(coding);
  let received = 0;
  const count = (chunk: Buffer): void => {
    received += chunk.length;
    // Blocks that decode to nothing would come without end.
    if (received > limit.bytes) decoder.destroy(tooLarge(limit));
  };
  request.on('data', count).pipe(decoder);
  try {
    const body = await collect(request, decoder, limit, charge);
    // Behind the end of a zstd frame, or of the last member of gzip, Node ignores what follows.
    if (decoder.bytesWritten < received)
      throw new LoggerError('invalid-request', `there are more bytes behind the end of the ${coding} body`);
    return body;
  } catch (error) {
    if (error instanceof LoggerError) throw error;
    throw new LoggerError('invalid-request', `the body is not ${coding}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    request.off('data', count).unpipe(decoder);
    decoder.destroy();
    // What has not come yet is thrown away: a pause would hold up the end of the exchange.
    request.resume();
  }
}

/** All that `source` gives, which is the request or what decodes it. */
function collect(
  request: IncomingMessage,
  source: Readable,
  limit: BodyLimit,
  charge: (bytes: number) => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => {
      source.off('data', onData).off('end', onEnd).off('error', onError);
      request.off('error', onGone).off('close', onGone);
    };
    const fail = (error: unknown): void => {
      stop();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      try {
        if (size > limit.bytes) throw tooLarge(limit);
        charge(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = (): void => {
      stop();
      if (request.socket.writableEnded) reject(answeredAlready());
      else resolve(joined(chunks, size));
    };
    const onGone = (): void => {
      // A request that came whole is closed while its last bytes are decoded.
      if (source !== request && request.complete) return;
      fail(new LoggerError('invalid-request', 'the connection ended before the body did'));
    };
    const onError = (error: unknown): void => (source === request ? onGone() : fail(error));
    source.on('data', onData).on('end', onEnd).on('error', onError);
    request.on('error', onGone).on('close', onGone);
    if (request.destroyed) onGone();
  });
}
