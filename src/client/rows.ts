// Rows of the log, NDJSON as the loggers answer it: parsed as they arrive, and never more of them in memory than a bound.

import { linesIn } from '../lines.ts';
import { AnswerError } from './attempt.ts';
import { type HttpResponse, headerOf } from './http.ts';
import { isCount } from './shapes.ts';
import type { ReadRecord, ReadResult } from './types.ts';

/** The largest record a logger can be set to take, as base64 in a row, and its key. */
const MAX_ROW_BYTES = 192 * 1024 * 1024;
const tooLong = (): Error => new AnswerError(`a row has more than ${MAX_ROW_BYTES} bytes`);

/**
 * The rows of an answer from `offset` on, if that is known before. Ends early, at a whole row, once `maxBytes` are read or the answer breaks off:
 * `next` says where to go on.
 */
export async function rowsOf(
  response: HttpResponse,
  offset: number | null,
  maxBytes: number,
): Promise<ReadResult> {
  const commit = numberIn(response, 'log-commit');
  const announced = numberIn(response, 'log-next-offset');
  if (offset !== null && announced < offset)
    throw new AnswerError(`the answer goes back from offset ${offset} to ${announced}`);
  const records: ReadRecord[] = [];
  let next = offset;
  let readBytes = 0;
  try {
    for await (const { bytes, ended } of linesIn(response.body, MAX_ROW_BYTES, tooLong)) {
      if (!ended) break;
      const record = recordOf(bytes.toString('utf8'));
      if (next !== null && record.offset !== next)
        throw new AnswerError(`offset ${record.offset} where ${next} should be`);
      records.push(record);
      next = record.offset + 1;
      readBytes += bytes.length;
      if (readBytes >= maxBytes) break;
    }
  } catch (error) {
    if (records.length === 0 || error instanceof AnswerError) throw error;
  }
  // Rows that were announced and left out would be skipped for good.
  if (records.length === 0 && offset !== null && announced !== offset)
    throw new AnswerError(`no rows from offset ${offset} to ${announced}`);
  return { records, commit, next: records.length === 0 || next === null ? announced : next };
}

function numberIn(response: HttpResponse, name: string): number {
  const value = Number(headerOf(response, name) ?? Number.NaN);
  if (!isCount(value)) throw new AnswerError(`the answer has no ${name}`);
  return value;
}

function recordOf(line: string): ReadRecord {
  let row: Record<string, unknown>;
  try {
    row = JSON.parse(line) ?? {};
  } catch (cause) {
    throw new AnswerError('a row is not JSON', { cause });
  }
  const { offset, timestamp, epoch } = row;
  const value = field(row, 'value', 'base64');
  if (!isCount(offset) || !isCount(timestamp) || !isCount(epoch) || value === null)
    throw new AnswerError(`a row is no record: ${line.slice(0, 200)}`);
  return { offset, timestampMs: timestamp, epoch, key: field(row, 'key', 'keyBase64'), value };
}

function field(row: Record<string, unknown>, text: string, base64: string): string | Uint8Array | null {
  if (typeof row[text] === 'string') return row[text];
  return typeof row[base64] === 'string' ? Buffer.from(row[base64], 'base64') : null;
}
