// What no route would look at, and what would otherwise be answered by Node or half understood.
import type { IncomingMessage } from 'node:http';
import { LoggerError } from '../errors.ts';

export function oddityOf({ method, headers, httpVersion }: IncomingMessage): LoggerError | null {
  if (httpVersion === '1.1' && headers.host === undefined)
    return new LoggerError('invalid-request', 'HTTP/1.1 without a Host header field');
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && (method === 'GET' || method === 'HEAD'))
    return new LoggerError('invalid-request', `${method} takes no body`);
  return null;
}
