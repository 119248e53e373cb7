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

const tooLarge = ({ bytes, code }: BodyLimit): LoggerError =>
  new LoggerError(code, `the body is larger than ${bytes} bytes`, { extra: { limitBytes: bytes } });

/** Refuses by Content-Length, before anything of the body is read. */
export function refuseDeclaredSize(request: IncomingMessage, limit: BodyLimit): void {
  if (Number(request.headers['content-length'] ?? 0) > limit.bytes) throw tooLarge(limit);
}

const continued = new WeakSet<IncomingMessage>();

const asksFirst = (request: IncomingMessage): boolean =>
  request.httpVersion === '1.1' && /^100-continue$/i.test(request.headers.expect ?? '');

/** True while the client waits for a `100 Continue` that it was not sent: then it may never send the body. */
export const awaitsContinue = (request: IncomingMessage): boolean =>
  asksFirst(request) && !continued.has(request);

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
    // Copied even when it is one chunk: a chunk is a view of a 64 KiB read buffer that it would keep alive.
    const onEnd = (): void => {
      stop();
      resolve(Buffer.concat(chunks, size));
    };
    const onGone = (): void => {
      stop();
      reject(new LoggerError('invalid-request', 'the connection ended before the body did'));
    };
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
    if (request.destroyed) onGone();
  });
}
