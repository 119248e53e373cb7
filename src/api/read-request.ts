// What a GET of the log asks for, checked whole before anything is read.
import type { FastifyRequest } from 'fastify';
import { LoggerError } from '../errors.ts';
import type { Bounds } from './bounds.ts';
import { wantsEvents } from './media.ts';
import { choiceOf, duration, readQuery, wholeNumber } from './query.ts';
import type { LoggerService } from './types.ts';

/** `earliest` is the first record kept, `latest` what is committed next. */
export type Start = number | 'earliest' | 'latest';

interface Wanted {
  readonly start: Start;
  readonly linearizable: boolean;
}

export type ReadRequest =
  | (Wanted & { readonly kind: 'rows'; readonly limit: number; readonly waitMs: number })
  | (Wanted & { readonly kind: 'events' });

const NAMES = ['offset', 'limit', 'wait', 'consistency'] as const;
const CONSISTENCY = ['committed', 'linearizable'] as const;

export function readRequestOf(request: FastifyRequest, bounds: Bounds): ReadRequest {
  const query = readQuery(request.query, NAMES);
  const consistency = choiceOf('consistency', query.consistency ?? 'committed', CONSISTENCY);
  const start = startOf(query.offset ?? 'earliest');
  const linearizable = consistency === 'linearizable';
  if (!wantsEvents(request.headers.accept)) {
    const limit = wholeNumber('limit', query.limit ?? String(bounds.defaultReadRecords), [
      1,
      bounds.maxReadRecords,
    ]);
    const waitMs = duration('wait', query.wait ?? '0', bounds.maxWaitMs);
    return { kind: 'rows', start, linearizable, limit, waitMs };
  }
  if (query.limit !== undefined || query.wait !== undefined)
    throw new LoggerError('invalid-request', 'limit and wait have no meaning for an event stream');
  return { kind: 'events', start: resumedAt(request.headers['last-event-id']) ?? start, linearizable };
}

function startOf(text: string): Start {
  if (text === 'earliest' || text === 'latest') return text;
  if (!/^\d/.test(text))
    throw new LoggerError(
      'invalid-offset',
      `offset is ${JSON.stringify(text)}: it takes earliest, latest or a whole number from 0`,
    );
  return wholeNumber('offset', text, [0, Number.MAX_SAFE_INTEGER], 'invalid-offset');
}

/** A browser that reconnects repeats its URL and adds the last id that it saw: that record is not wanted again. */
function resumedAt(lastEventId: string | string[] | undefined): number | null {
  if (lastEventId === undefined || lastEventId === '') return null;
  const last = wholeNumber(
    'Last-Event-ID',
    String(lastEventId),
    [0, Number.MAX_SAFE_INTEGER - 1],
    'invalid-offset',
  );
  return last + 1;
}

/**
 * The offset to begin at. Throws offset-gone when that record is no longer kept, and not-ready while the latest is not
 * known: the commit that a restarted logger has stored may be long past.
 */
export function offsetOf(start: Start, service: LoggerService): number {
  const { offsets } = service;
  if (start === 'earliest') return offsets.first;
  if (start === 'latest') {
    service.requireCurrentCommit();
    return offsets.commit;
  }
  const { first, commit } = offsets;
  if (start < first)
    throw new LoggerError('offset-gone', `the log begins at offset ${first}`, { extra: { first, commit } });
  return start;
}
