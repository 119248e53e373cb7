// Content types of requests and the choice between rows and events of answers (RFC 9110, 8.3 and 12.5.1), as far as this
// API needs them.
import type { IncomingHttpHeaders } from 'node:http';
import { LoggerError } from '../errors.ts';
import { codingOf } from './content-coding.ts';

export const NDJSON = 'application/x-ndjson';
export const EVENTS = 'text/event-stream';
export const JSON_TYPE = 'application/json';
export const PROBLEM = 'application/problem+json';
/** One record batch, in the format of the log (docs/reference/on-disk-format.md). */
export const BATCH_TYPE = 'application/vnd.distributed-logger.batch';
export const RAW_TYPES = ['text/plain', 'application/octet-stream'] as const;

/** What `curl --data` says of any body unless told otherwise: as good as nothing. A browser's form is refused for where it comes from. */
const CURL_TYPE = 'application/x-www-form-urlencoded';

/** What POST /api/v1/log takes. A body without a content type is octets, as RFC 9110 allows. */
export const APPEND_TYPES = [...RAW_TYPES, NDJSON, JSON_TYPE, BATCH_TYPE] as const;
export type AppendType = (typeof APPEND_TYPES)[number];

const essence = (value: string): string => (value.split(';', 1)[0] ?? '').trim().toLowerCase();

/** The media type of a body, if it is one of `taken`; its parameters do not matter, since bytes are kept as they come. */
export function contentType<const T extends readonly string[]>(
  headers: IncomingHttpHeaders,
  taken: T,
  missing: T[number],
): T[number] {
  codingOf(headers);
  const given = headers['content-type'];
  if (given === undefined || given === CURL_TYPE) return missing;
  const type = essence(String(given));
  const known = taken.find((name) => name === type);
  if (known === undefined)
    throw new LoggerError(
      'unsupported-media-type',
      `content type ${JSON.stringify(given)} is not taken: send ${taken.join(', ')}`,
      {
        extra: { acceptPost: taken.join(', ') },
      },
    );
  return known;
}

/** True when the client names event streams and likes NDJSON no better. Wildcards get NDJSON: any client can read it. */
export function wantsEvents(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const events = quality(accept, EVENTS);
  return events > 0 && events >= quality(accept, NDJSON);
}

function quality(accept: string, type: string): number {
  for (const part of accept.split(',')) {
    if (essence(part) !== type) continue;
    const q = /;\s*q\s*=\s*([\d.]+)/i.exec(part)?.[1];
    return q === undefined ? 1 : Number(q) || 0;
  }
  return 0;
}
