// GET /api/v1/offsets: the offset of a moment. Timestamps come from the leaders and never go back along the log, so the log's
// index finds it without reading records.
import type { FastifyInstance } from 'fastify';
import { LoggerError } from '../errors.ts';
import type { ApiContext } from './context.ts';
import { readQuery, wholeNumber } from './query.ts';

export function offsetsRoute(app: FastifyInstance, { plainReads, service }: ApiContext): void {
  app.get('/api/v1/offsets', async (request, reply) => {
    const { timestamp } = readQuery(request.query, ['timestamp']);
    if (timestamp === undefined)
      throw new LoggerError('invalid-request', 'timestamp is missing: it takes milliseconds since 1970');
    const timestampMs = wholeNumber('timestamp', timestamp, [0, Number.MAX_SAFE_INTEGER]);
    plainReads.enter(reply.raw);
    reply.header('cache-control', 'no-store');
    return { offset: await service.offsetAt(timestampMs) };
  });
}
