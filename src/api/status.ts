// What people and programs ask about a logger: its status, a producer's last sequence, and the handover of leadership.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LoggerError } from '../errors.ts';
import { receiveBody, refuseDeclaredSize } from './body.ts';
import type { ApiContext } from './context.ts';
import { fieldOf } from './json.ts';
import { confirmLeadership, refuseUnlessLeading } from './leader.ts';
import { contentType, JSON_TYPE } from './media.ts';
import { producerId } from './producer-headers.ts';
import { duration, type Query, readQuery, wholeNumber } from './query.ts';
import { waitAtMost } from './wait.ts';

/** Below every epoch: any leader is news. */
const NO_EPOCH = -1;

export function statusRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/api/v1/status', async (request, reply) => {
    const query = readQuery(request.query, ['wait', 'epoch-above']);
    reply.header('cache-control', 'no-store');
    await leaderNews(query, reply, context);
    return context.service.status();
  });
  app.get('/api/v1/stats', async (request, reply) => {
    const { since = '0' } = readQuery(request.query, ['since']);
    const after = wholeNumber('since', since, [0, Number.MAX_SAFE_INTEGER]);
    reply.header('cache-control', 'no-store');
    return context.service.stats(after);
  });
  app.get('/api/v1/history', async (request, reply) => {
    readQuery(request.query, []);
    reply.header('cache-control', 'no-store');
    return { epochs: await context.service.history() };
  });
  app.get<{ Params: { id: string } }>('/api/v1/producers/:id', async (request, reply) => {
    readQuery(request.query, []);
    reply.header('cache-control', 'no-store');
    return producerOf(producerId(request.params.id), reply, context);
  });
  app.route({
    method: 'POST',
    url: '/api/v1/leader/transfer',
    onRequest: async (request) => {
      refuseUnlessLeading(context.service);
      readQuery(request.query, []);
      contentType(request.headers, [JSON_TYPE], JSON_TYPE);
      refuseDeclaredSize(request.raw, transferLimit(context));
    },
    handler: (request, reply) => transfer(request, reply, context),
  });
}

/** Whoever looks for the leader of a takeover need not ask again and again while loggers have better things to do. */
async function leaderNews(
  { wait = '0', 'epoch-above': above }: Query<'wait' | 'epoch-above'>,
  reply: FastifyReply,
  { service, bounds, liveReaders }: ApiContext,
): Promise<void> {
  const waitMs = duration('wait', wait, bounds.maxWaitMs);
  const epoch =
    above === undefined ? NO_EPOCH : wholeNumber('epoch-above', above, [0, Number.MAX_SAFE_INTEGER]);
  if (waitMs > 0)
    await waitAtMost(waitMs, liveReaders.enter(reply.raw), (signal) => service.leaderAbove(epoch, signal));
  else if (above !== undefined)
    throw new LoggerError('invalid-request', 'epoch-above has no meaning without wait');
}

/**
 * A restarted producer goes on from this answer, so it must not be taken back: it waits until the producer's last record
 * is committed and until a majority has confirmed that nobody else leads and knows more.
 */
async function producerOf(id: bigint, reply: FastifyReply, context: ApiContext): Promise<object> {
  const { service, bounds } = context;
  refuseUnlessLeading(service);
  const state = service.producer(id);
  if (state !== null && state.lastOffset >= service.offsets.commit) {
    const left = context.liveReaders.enter(reply.raw);
    if (
      !(await waitAtMost(bounds.producerWaitMs, left, (signal) =>
        service.waitForCommit(state.lastOffset, signal),
      ))
    )
      throw new LoggerError('not-ready', 'the last record of this producer is not committed yet');
  }
  await confirmLeadership(service);
  if (state === null) throw new LoggerError('unknown-producer', `nothing is known of producer ${id}`);
  const { epoch, lastSequence, lastOffset } = state;
  return { id: String(id), epoch, lastSequence, lastOffset };
}

const transferLimit = ({ bounds }: ApiContext) =>
  ({ bytes: bounds.transferBodyBytes, code: 'body-too-large' }) as const;

async function transfer(request: FastifyRequest, reply: FastifyReply, context: ApiContext): Promise<object> {
  const body = await receiveBody(request.raw, reply.raw, transferLimit(context), context.budget);
  const { epoch, to } = await context.service.transfer(targetOf(body));
  reply.code(202);
  return { epoch, to };
}

const LOGGER_ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The logger named in `{"to": …}`; null, the most caught-up one, for an empty body or object. */
function targetOf(body: Buffer): string | null {
  if (body.length === 0) return null;
  const to = fieldOf(body, 'to');
  if (to === undefined || to === null) return null;
  if (typeof to !== 'string' || !LOGGER_ID.test(to))
    throw new LoggerError('invalid-request', `to is ${JSON.stringify(to)}: it takes the id of a logger`);
  return to;
}
