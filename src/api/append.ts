// POST /api/v1/log. What can be refused by the header fields is refused before the body is read; then the body becomes
// records, the records one batch, and the answer waits for their commit.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LoggerError } from '../errors.ts';
import { batchOfBody } from './batch-body.ts';
import { type BodyLimit, receiveBody, refuseDeclaredSize } from './body.ts';
import type { ApiLimits } from './bounds.ts';
import { type ApiContext, LOG_ROUTE } from './context.ts';
import { refuseUnlessLeading } from './leader.ts';
import {
  APPEND_TYPES,
  type AppendType,
  BATCH_TYPE,
  contentType,
  JSON_TYPE,
  NDJSON,
  RAW_TYPES,
} from './media.ts';
import { requireSequences, stampAfter, stampOf } from './producer-headers.ts';
import { readQuery } from './query.ts';
import { recordOfRaw, recordsOfElements } from './records.ts';
import type { AppendResult, LoggerService } from './types.ts';

export function appendRoute(app: FastifyInstance, context: ApiContext): void {
  app.route({
    method: 'POST',
    url: LOG_ROUTE,
    onRequest: (request, _reply, done) => {
      const judge = (): void => done(judged(request, context));
      // Most requests come while there is a leader, and should not wait for a promise.
      if (isLed(context.service)) judge();
      else context.service.leaderKnown().then(judge, done);
    },
    handler: (request, reply) => append(request, reply, context),
  });
}

/** Then nothing need be waited for. */
export function isLed(service: LoggerService): boolean {
  const state = service.redirect();
  return state.leading || state.leader !== null;
}

function judged(request: FastifyRequest, context: ApiContext): Error | undefined {
  try {
    refuseByHead(request, context);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

const appendTypeOf = (request: FastifyRequest): AppendType =>
  contentType(request.headers, APPEND_TYPES, 'application/octet-stream');

/** A raw body is one record, so the smaller limit bounds it. */
function limitOf(type: AppendType, { bodyBytes, recordBytes }: ApiLimits): BodyLimit {
  const isRaw = RAW_TYPES.some((raw) => raw === type);
  return isRaw && recordBytes < bodyBytes
    ? { bytes: recordBytes, code: 'record-too-large' }
    : { bytes: bodyBytes, code: 'body-too-large' };
}

function refuseByHead(request: FastifyRequest, { service, limits }: ApiContext): void {
  refuseUnlessLeading(service);
  readQuery(request.query, []);
  const type = appendTypeOf(request);
  if (stampOf(request.headers) !== null && type === BATCH_TYPE)
    throw new LoggerError(
      'invalid-producer',
      'a record batch holds its producer: header fields are not taken',
    );
  refuseDeclaredSize(request.raw, limitOf(type, limits));
}

async function append(
  request: FastifyRequest,
  reply: FastifyReply,
  context: ApiContext,
): Promise<AppendResult> {
  const { service, limits, bounds, budget } = context;
  const type = appendTypeOf(request);
  const body = await receiveBody(request.raw, reply.raw, limitOf(type, limits), budget);
  request.sample.bytes = body.length;
  const recordLimits = { recordBytes: limits.recordBytes, maxRecords: bounds.maxRecordsPerAppend };
  let appended: Promise<AppendResult>;
  if (type === BATCH_TYPE) {
    const batch = batchOfBody(body, recordLimits);
    request.sample.records = batch.count;
    const producer = stampAfter(batch.producer, request.headers);
    appended = service.appendBatch({ ...batch, producer });
  } else {
    const records =
      type === NDJSON || type === JSON_TYPE
        ? await recordsOfElements(type, body, recordLimits)
        : [recordOfRaw(body, recordLimits)];
    request.sample.records = records.length;
    const stamp = stampAfter(stampOf(request.headers), request.headers);
    requireSequences(stamp, records.length);
    appended = service.append(records, stamp);
  }
  const { offset, count, epoch } = await appended;
  request.sample.code = 'ok';
  return { offset, count, epoch };
}
