// The append of a batch as a call, and an answer that must fit what was sent.
import { BATCH_TYPE } from '../api/media.ts';
import type { AppendResult } from '../api/types.ts';
import type { ProducerMark } from '../log/types.ts';
import { AnswerError, type Call } from './attempt.ts';
import type { BatchBuilder } from './batch-builder.ts';
import type { Connection } from './connection.ts';
import { jsonCall } from './log-client.ts';
import type { Stamp } from './producer-stamps.ts';
import { isCount, type ShapeOf } from './shapes.ts';

export const APPEND_PATH = '/api/v1/log';
export const APPEND_RESULT: ShapeOf<AppendResult> = { offset: isCount, count: isCount, epoch: isCount };

/** The bytes of `builder` change with its next stamp: a call is made for the present one. */
export function appendCall(
  connection: Connection,
  id: bigint,
  builder: BatchBuilder,
  stamp: Stamp,
): Call<AppendResult> {
  const { after } = stamp;
  const { consume, ...call } = jsonCall<AppendResult>(APPEND_PATH, connection, APPEND_RESULT);
  return {
    ...call,
    method: 'POST',
    headers: {
      'content-type': BATCH_TYPE,
      ...(after !== undefined && { 'producer-after': afterText(after) }),
    },
    body: builder.seal(id, stamp),
    pipelined: true,
    consume: async (response) => checked(await consume(response), builder.count),
  };
}

const afterText = (after: ProducerMark | null): string =>
  after === null ? 'none' : `${after.epoch}/${after.lastSequence}`;

/** Throws AnswerError. */
export function checked(result: AppendResult, sent: number): AppendResult {
  const { offset, count } = result;
  if (count === sent) return result;
  throw new AnswerError(`acknowledged ${count} records from offset ${offset}, but ${sent} were sent`);
}
