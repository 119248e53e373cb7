// What the platform asks: probes and metrics.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { LoggerError } from '../errors.ts';
import type { ApiContext } from './context.ts';

/** What is answered when all else is refused for want of connections. */
export const PROBE_ROUTES: readonly string[] = ['/livez', '/readyz', '/metrics'];

export function probeRoutes(app: FastifyInstance, { service, metricsText }: ApiContext): void {
  // Who answers is part of it: another process that claims the same name asks here, without a token.
  app.get('/livez', async (_request, reply) => {
    const { id, cluster } = service.status();
    return { ...probe(service.live(), reply), id, cluster };
  });
  app.get('/readyz', async (_request, reply) => probe(service.ready(), reply));
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metricsText();
    reply.header('content-type', contentType);
    return body;
  });
}

function probe(state: { ok: boolean; reason: string }, reply: FastifyReply): { ok: boolean; reason: string } {
  if (!state.ok) throw new LoggerError('not-ready', state.reason);
  reply.header('cache-control', 'no-store');
  return state;
}
