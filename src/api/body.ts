// Receives a request body: within its limit, within the memory set aside for all bodies, and in time (Node's request
// timeout ends the connection). The client that asks first (`Expect: 100-continue`) is told to go on only here, once
// everything that can be refused by the headers alone has been.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, LoggerError } from '../errors.ts';
import type { ByteBudget } from './budget.ts';

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

/** The whole body. Its bytes stay charged to `budget` until the response is closed, since an append holds them so long. */
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
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => {
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      try {
        if (size > limit.bytes) throw tooLarge(limit);
        budget.take(chunk.length);
        charged += chunk.length;
        chunks.push(chunk);
      } catch (error) {
        stop();
        reject(error);
      }
    };
    const onEnd = (): void => {
      stop();
      if (request.socket.writableEnded) reject(answeredAlready());
      else resolve(joined(chunks, size));
    };
    const onGone = (): void => {
      stop();
      reject(new LoggerError('invalid-request', 'the connection ended before the body did'));
    };
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
    if (request.destroyed) onGone();
  });
}
