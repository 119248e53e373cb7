// An answer may be ready before the request's body has arrived: a redirect, a refusal. Closing then would reset the
// connection under a client that is still sending, and it would lose the answer. So the answer is written at once and
// whole, and the rest of the body is taken and thrown away, within bounds, before the exchange ends (nginx calls it a
// lingering close).
import type { FastifyReply } from 'fastify';
import { awaitsContinue } from './body.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface LingerBounds {
  readonly lingerMs: number;
  readonly lingerBytes: number;
}

export function sendEarly(reply: FastifyReply, answer: Answer, bounds: LingerBounds): void {
  const request = reply.request.raw;
  if (!request.complete && !awaitsContinue(request)) {
    linger(reply, answer, bounds);
    return;
  }
  reply.code(answer.status).headers(answer.headers);
  // A client that waits for our go-ahead may now send its body or not: only a new connection is unambiguous.
  if (awaitsContinue(request)) reply.header('connection', 'close');
  reply.send(answer.body);
}

function linger(reply: FastifyReply, { status, headers, body }: Answer, bounds: LingerBounds): void {
  reply.hijack();
  const { raw: response } = reply;
  const { raw: request } = reply.request;
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.write(body);
  let rest = bounds.lingerBytes;
  // Once: each call waits for the socket with a listener of its own.
  const giveUp = (): void => {
    request.off('data', take);
    request.socket.destroySoon();
  };
  const take = (chunk: Buffer): void => {
    rest -= chunk.length;
    if (rest < 0) giveUp();
  };
  const timer = setTimeout(giveUp, bounds.lingerMs).unref();
  response.once('close', () => clearTimeout(timer));
  request.on('data', take);
  request.once('end', () => response.end());
  // The client left in the middle of its body: the connection is gone and the response closes with it.
  request.once('error', giveUp);
}
