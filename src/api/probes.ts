// What the platform asks: probes, metrics, and a first page for people.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { LoggerError } from '../errors.ts';
import type { ApiContext } from './context.ts';

export function probeRoutes(app: FastifyInstance, { service, metricsText, version }: ApiContext): void {
  app.get('/livez', async (_request, reply) => probe(service.live(), reply));
  app.get('/readyz', async (_request, reply) => probe(service.ready(), reply));
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metricsText();
    reply.header('content-type', contentType);
    return body;
  });
  app.get('/', async (_request, reply) => {
    reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'");
    return firstPage(service.status().id, version);
  });
}

function probe(state: { ok: boolean; reason: string }, reply: FastifyReply): { ok: boolean; reason: string } {
  if (!state.ok) throw new LoggerError('not-ready', state.reason);
  reply.header('cache-control', 'no-store');
  return state;
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const firstPage = (id: string, version: string): string => `<!doctype html>
<html lang="en">
<title>${escaped(id)}</title>
<h1>distributed-logger ${escaped(version)}: ${escaped(id)}</h1>
<ul>
<li><a href="/docs">The HTTP API</a></li>
<li><a href="/api/v1/status">Status</a></li>
<li><a href="/api/v1/log">The log from its beginning</a></li>
<li><a href="/metrics">Metrics</a></li>
</ul>
</html>
`;
