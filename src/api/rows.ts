// Records as rows: the one JSON shape in which they are read, whether as NDJSON or as events. Rows are written by hand
// and only key and value go through JSON.stringify: this is the hot path of every reader.
import { isUtf8 } from 'node:buffer';
import type { LogRecord } from '../log/types.ts';
import { loopShare } from '../loop-share.ts';

const member = (bytes: Buffer, text: string, base64: string): string =>
  isUtf8(bytes)
    ? `"${text}":${JSON.stringify(bytes.toString('utf8'))}`
    : `"${base64}":"${bytes.toString('base64')}"`;

/** `{"offset","timestamp","epoch","key"?,"value"}`; `base64` and `keyBase64` stand for what is not UTF-8. */
function rowOf({ offset, timestampMs, epoch, key, value }: LogRecord): string {
  const keyMember = key === null ? '' : `${member(key, 'key', 'keyBase64')},`;
  return `{"offset":${offset},"timestamp":${timestampMs},"epoch":${epoch},${keyMember}${member(value, 'value', 'base64')}}`;
}

/** In turns: a chunk of many small records takes longer than the event loop can be held up. */
async function textOf(records: readonly LogRecord[], lineOf: (record: LogRecord) => string): Promise<string> {
  let text = '';
  for (const record of records) {
    text += lineOf(record);
    if (loopShare.spent()) await loopShare.turn();
  }
  return text;
}

export const ndjsonOf = (records: readonly LogRecord[]): Promise<string> =>
  textOf(records, (record) => `${rowOf(record)}\n`);

/** Server-sent events: the id is the offset, from which a reader that reconnects goes on. A row holds no line break. */
export const eventsOf = (records: readonly LogRecord[]): Promise<string> =>
  textOf(records, (record) => `id: ${record.offset}\ndata: ${rowOf(record)}\n\n`);
