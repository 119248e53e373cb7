// GET /api/v1/log as an event stream: follows the log for as long as the client stays. Readers that have
// caught up share their chunks (live-chunks.ts); a client that reads slowly slows down its own stream and nothing else.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { loopShare } from '../loop-share.ts';
import type { ApiContext } from './context.ts';
import { EVENTS } from './media.ts';
import { answerOf, loggerErrorOf } from './problems.ts';
import { writeAndDrain } from './write.ts';

/** Streams the committed records from `offset` on, whether or not that offset is committed yet. */
export async function followLive(
  offset: number,
  request: FastifyRequest,
  reply: FastifyReply,
  context: ApiContext,
): Promise<void> {
  const { raw: response } = reply;
  const ended = context.liveReaders.enter(response);
  reply.hijack();
  response.writeHead(200, {
    'content-type': EVENTS,
    'cache-control': 'no-store',
    // nginx would collect events until a buffer is full.
    'x-accel-buffering': 'no',
    'log-commit': String(context.service.offsets.commit),
  });
  if (request.method === 'HEAD') return void response.end();
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': still here\n\n');
  }, context.bounds.heartbeatMs);
  try {
    if (await writeAndDrain(response, `retry: ${context.bounds.reconnectMs}\n\n`, ended))
      await follow(offset, reply, ended, context);
  } catch (error) {
    tellFailure(error, reply, context);
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}

async function follow(
  from: number,
  reply: FastifyReply,
  ended: AbortSignal,
  context: ApiContext,
): Promise<void> {
  const { service, liveChunks } = context;
  let offset = from;
  while (!ended.aborted) {
    if (!(await service.waitForCommit(offset, ended))) return;
    const { bytes, next } = await liveChunks.from(offset);
    // Many readers may be given the same chunk in one turn of the event loop.
    if (loopShare.spent()) await loopShare.turn();
    offset = next;
    if (!(await writeAndDrain(reply.raw, bytes, ended))) return;
  }
}

/** The status line is long gone: the problem comes as an event named `problem`, after which the stream ends. */
function tellFailure(error: unknown, reply: FastifyReply, context: ApiContext): void {
  const failure = loggerErrorOf(error);
  if (failure.code === 'internal') context.log.error({ err: error }, 'an event stream failed');
  reply.raw.write(`event: problem\ndata: ${answerOf(failure, 'GET').body}\n\n`);
}
