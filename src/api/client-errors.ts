// Trouble before there is a request to route: unparseable HTTP, header fields beyond their limit, a request that does not
// arrive in time. Node hands over the bare socket; the answer is the same problem document as everywhere.
import type { Socket } from 'node:net';
import { LoggerError, problemOf } from '../errors.ts';
import { STATUS_CODES } from '../node-http.ts';
import type { Connections } from './connections.ts';
import { PROBLEM } from './media.ts';

const answered = new WeakSet<Socket>();

/** Answers on the socket where that is possible and closes it. Returns the status that was sent, or null. */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  connections: Connections,
  lingerMs: number,
): number | null {
  // The parser complains again about every further byte.
  if (answered.has(socket)) return null;
  answered.add(socket);
  const way = error.code === 'ECONNRESET' || !socket.writable ? 'close' : connections.breakOff(socket);
  if (way === 'close') socket.destroy();
  if (way !== 'answer') return null;
  const problem = problemOf(clientError(error));
  // Ended, not destroyed: bytes still unread would turn the close into a reset, and the client would lose the answer.
  socket.end(rawAnswer(problem.status, JSON.stringify(problem)));
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once('close', () => clearTimeout(timer));
  return problem.status;
}

function clientError({ code, message }: NodeJS.ErrnoException): LoggerError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new LoggerError('request-timeout');
    case 'HPE_HEADER_OVERFLOW':
      return new LoggerError('headers-too-large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new LoggerError('body-too-large', 'the chunk extensions are larger than allowed');
    default:
      return new LoggerError('invalid-request', `not HTTP/1.1 as it should be: ${message}`);
  }
}

const rawAnswer = (status: number, body: string): string =>
  [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
