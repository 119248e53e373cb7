// The append of a batch as a call, and an answer that must fit what was sent.
import { BATCH_TYPE } from '../api/media.ts';
import type { AppendResult } from '../api/types.ts';
import { AnswerError, type Call } from './attempt.ts';
import type { Connection } from './connection.ts';
import { jsonCall } from './log-client.ts';
import { isCount, type ShapeOf } from './shapes.ts';

export const APPEND_PATH = '/api/v1/log';
export const APPEND_RESULT: ShapeOf<AppendResult> = { offset: isCount, count: isCount, epoch: isCount };

export function appendCall(connection: Connection, batch: Buffer, count: number): Call<AppendResult> {
  const { consume, ...call } = jsonCall<AppendResult>(APPEND_PATH, connection, APPEND_RESULT);
  return {
    ...call,
    method: 'POST',
    headers: { 'content-type': BATCH_TYPE },
    body: batch,
    pipelined: true,
    consume: async (response) => checked(await consume(response), count),
  };
}

/** Throws AnswerError. */
export function checked(result: AppendResult, sent: number): AppendResult {
  const { offset, count } = result;
  if (count === sent) return result;
  throw new AnswerError(`acknowledged ${count} records from offset ${offset}, but ${sent} were sent`);
}
