// GET /api/v1/log as rows (NDJSON). Offsets have no holes, so the number of rows and the next offset are known before the
// first row is: they go into the header fields, and a large answer is streamed, a chunk of the log at a time and never more
// than the client takes.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LoggerError } from '../errors.ts';
import { type ApiContext, LOG_ROUTE } from './context.ts';
import { confirmLeadership } from './leader.ts';
import { followLive } from './live.ts';
import { NDJSON } from './media.ts';
import { offsetOf, type ReadRequest, readRequestOf } from './read-request.ts';
import { ndjsonOf } from './rows.ts';
import type { ReadResult } from './types.ts';
import { waitAtMost } from './wait.ts';
import { writeAndDrain } from './write.ts';

export function readRoute(app: FastifyInstance, context: ApiContext): void {
  app.get(LOG_ROUTE, (request, reply) => read(request, reply, context));
}

async function read(
  request: FastifyRequest,
  reply: FastifyReply,
  context: ApiContext,
): Promise<Buffer | undefined> {
  const wanted = readRequestOf(request, context.bounds);
  if (wanted.linearizable) await confirmLeadership(context.service);
  if (wanted.kind === 'rows') return readRows(wanted, request, reply, context);
  await followLive(offsetOf(wanted.start, context.service), request, reply, context);
  return undefined;
}

async function readRows(
  wanted: Extract<ReadRequest, { kind: 'rows' }>,
  request: FastifyRequest,
  reply: FastifyReply,
  context: ApiContext,
): Promise<Buffer | undefined> {
  const { service } = context;
  const from = offsetOf(wanted.start, service);
  if (from >= service.offsets.commit && wanted.waitMs > 0) {
    // A long-poll ends with the first record, the time, the client or the API; what there is then is answered.
    const ended = context.liveReaders.enter(reply.raw);
    await waitAtMost(wanted.waitMs, ended, (signal) => service.waitForCommit(from, signal));
  }
  service.requireCurrentCommit();
  const { first, commit } = service.offsets;
  if (from > commit && wanted.waitMs === 0)
    throw new LoggerError('offset-out-of-range', `the log is committed up to offset ${commit}`, {
      extra: { first, commit },
    });
  const to = Math.max(from, Math.min(commit, from + wanted.limit));
  const headers = {
    'content-type': NDJSON,
    'cache-control': 'no-store',
    'log-commit': String(commit),
    'log-next-offset': String(to),
  };
  if (request.method === 'HEAD') return void begin(reply.headers(headers)).end();
  if (from === to) {
    reply.headers(headers);
    return Buffer.alloc(0);
  }
  const signal = context.plainReads.enter(reply.raw);
  const chunk = await readChunk(from, to, context);
  // Not before: a failure must not say where to go on behind rows that nobody was given.
  reply.headers(headers);
  if (chunk.next === to) return Buffer.from(await ndjsonOf(chunk.records));
  await stream(chunk, to, signal, reply, context);
  return undefined;
}

async function readChunk(from: number, to: number, { service, bounds }: ApiContext): Promise<ReadResult> {
  const limits = { maxRecords: to - from, maxBytes: bounds.readChunkBytes };
  const result = await service.read(from, limits);
  if (result.next <= from || result.next > to)
    throw new LoggerError('internal', `a read of ${from} to ${to} went to ${result.next}`);
  return result;
}

async function stream(
  firstChunk: ReadResult,
  to: number,
  signal: AbortSignal,
  reply: FastifyReply,
  context: ApiContext,
): Promise<void> {
  const response = begin(reply);
  try {
    let chunk = firstChunk;
    while (await writeAndDrain(response, await ndjsonOf(chunk.records), signal)) {
      if (chunk.next === to) return void response.end();
      chunk = await readChunk(chunk.next, to, context);
    }
    response.destroy();
  } catch (error) {
    // Part of the answer is out: only a connection cut off in the middle tells the client that the rest is missing.
    context.log.warn({ err: error, to }, 'a read ended in the middle');
    response.destroy();
  }
}

/** Sends the head and takes the response out of Fastify's hands. */
function begin(reply: FastifyReply): ServerResponse {
  reply.hijack();
  return reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders);
}
