// While as many appends wait as may, more are refused before they are routed, and their bodies thrown away as they come: what
// refusing costs is taken from those that are accepted. It is the same answer, at half the cost, and a moment later: a client that
// comes back at once, whatever it was told, would otherwise be back in the same turn of the event loop, which then has no end, and
// what was accepted in it waits for that. Large bodies, and those that wait for a `100 Continue`, go the usual way, where they can be
// answered before they have arrived.
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { LoggerError } from '../errors.ts';
import { type ApiContext, type ApiMetrics, LOG_ROUTE } from './context.ts';
import type { Answer } from './early-answer.ts';
import { HeldBack } from './held-back.ts';
import { answerOf } from './problems.ts';
import type { AppendRefusal } from './types.ts';

const SMALL_BODY_BYTES = 64 * 1024;

const REFUSALS: Readonly<Record<AppendRefusal, Answer>> = {
  'too-many-requests': refusal('too-many-requests', 'as many appends wait as may'),
  overloaded: refusal('overloaded', 'as many bytes of appends wait as may'),
};

function refusal(code: AppendRefusal, detail: string): Answer {
  const answer = answerOf(new LoggerError(code, detail), 'POST');
  return { ...answer, headers: { ...answer.headers, 'content-length': String(answer.body.length) } };
}

/** To be called when Fastify is the only one that listens to the server's requests. */
export function refuseEarly(
  server: Server,
  { service, connections, bounds }: Pick<ApiContext, 'service' | 'connections' | 'bounds'>,
  metrics: ApiMetrics,
): void {
  const [route] = server.listeners('request') as RequestListener[];
  if (route === undefined) throw new Error('nobody listens to requests');
  server.removeListener('request', route);
  const held = new HeldBack(bounds);
  server.on('request', (request, response) => {
    const code = isSmallAppend(request) && service.redirect().leading ? service.appendRefusal() : null;
    if (code === null) return route(request, response);
    count(response, code, metrics);
    const answer = (): void => {
      const { status, headers, body } = REFUSALS[code];
      const isLast = connections.isLast({ request, response });
      response.writeHead(status, isLast ? { ...headers, connection: 'close' } : headers).end(body);
    };
    request.resume().once('end', () => held.add(answer));
  });
}

const isSmallAppend = ({ method, url, headers }: IncomingMessage): boolean =>
  method === 'POST' &&
  url === LOG_ROUTE &&
  headers.expect === undefined &&
  Number(headers['content-length'] ?? Number.NaN) <= SMALL_BODY_BYTES;

function count(response: ServerResponse, code: AppendRefusal, metrics: ApiMetrics): void {
  const startedMs = performance.now();
  response.once('close', () => {
    const seconds = (performance.now() - startedMs) / 1000;
    const { headersSent, statusCode } = response;
    metrics.onRequest({ route: LOG_ROUTE, method: 'POST', status: headersSent ? statusCode : 0, seconds });
    metrics.onAppend({ code: headersSent ? code : 'left', seconds, records: 0, bytes: 0 });
  });
}
