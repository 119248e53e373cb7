// One append without producer id, and one read: each asked once, with a deadline, and told as it was. Not by LogClient, which
// asks again until all is well: a history wants the single call, and rows that make no sense as they are. Redirects are
// followed, since whoever redirects has done nothing.
import { type Attempted, attempt, type Call } from '../../client/attempt.ts';
import { type Http, type HttpResponse, headerOf, readBody } from '../../client/http.ts';
import { linesIn } from '../../lines.ts';
import type { AppendCall, CallOutcome, ReadCall, ReadRow } from '../history.ts';

const MAX_REDIRECTS = 3;
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
const tooLarge = (): Error => new Error(`a page of more than ${MAX_PAGE_BYTES} bytes`);
const MAX_ANSWER_BYTES = 64 * 1024;
/** Rows of a read: a line of a history stays short. */
export const PAGE_ROWS = 256;

/** Marks that the call has had its time: `attempt` has deadlines of its own, so nothing else aborts it. */
const NEVER = new AbortController().signal;

type Called<T> =
  | { readonly outcome: 'ok'; readonly value: T; readonly url: string }
  | {
      readonly outcome: 'refused' | 'unknown';
      readonly code: string;
      readonly extra: Readonly<Record<string, unknown>>;
    };

async function callOnce<T>(http: Http, base: string, call: Call<T>): Promise<Called<T>> {
  let url = base;
  for (let redirects = 0; ; redirects += 1) {
    const result: Attempted<T> = await attempt(http, url, call, NEVER);
    if (result.kind === 'done') return { outcome: 'ok', value: result.value, url };
    if (result.kind === 'final') {
      const { outcome, code, extra } = result.error;
      return { outcome: outcome === 'unknown' ? 'unknown' : 'refused', code, extra };
    }
    if (result.kind === 'retry') {
      const { outcome, reason } = result;
      return { outcome: outcome === 'unknown' ? 'unknown' : 'refused', code: reason, extra: {} };
    }
    if (redirects === MAX_REDIRECTS) return { outcome: 'refused', code: 'redirect-loop', extra: {} };
    url = result.to;
  }
}

export type PlainAppend = Pick<AppendCall, 'outcome' | 'offset' | 'count' | 'epoch' | 'code'>;

/** Appends one text, without producer id. `url` is who answered. */
export async function appendOnce(
  http: Http,
  base: string,
  value: string,
  timeoutMs: number,
): Promise<{ readonly append: PlainAppend; readonly url: string | null }> {
  const called = await callOnce(http, base, {
    method: 'POST',
    path: '/api/v1/log',
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from(value),
    timeoutMs,
    consume: async (response) => JSON.parse((await readBody(response, MAX_ANSWER_BYTES)).toString('utf8')),
  });
  if (called.outcome !== 'ok') return { append: { outcome: called.outcome, code: called.code }, url: null };
  const { offset, count, epoch } = called.value as Record<string, number>;
  if (offset === undefined || count === undefined || epoch === undefined)
    return { append: { outcome: 'unknown', code: 'bad-answer' }, url: null };
  return { append: { outcome: 'ok', offset, count, epoch }, url: called.url };
}

export interface ReadWish {
  readonly logger: string;
  readonly consistency: ReadCall['consistency'];
  readonly offset: ReadCall['offset'];
  readonly limit: number;
  readonly waitMs: number;
  readonly timeoutMs: number;
}

export type Answer = Pick<ReadCall, 'outcome' | 'records' | 'commit' | 'code' | 'first'>;

export async function readOnce(http: Http, wish: ReadWish): Promise<Answer> {
  const query = new URLSearchParams({ offset: String(wish.offset), limit: String(wish.limit) });
  if (wish.waitMs > 0) query.set('wait', `${wish.waitMs}ms`);
  if (wish.consistency === 'linearizable') query.set('consistency', 'linearizable');
  const called = await callOnce(http, wish.logger, {
    method: 'GET',
    path: `/api/v1/log?${query}`,
    timeoutMs: wish.timeoutMs + wish.waitMs,
    consume: rowsOf,
  });
  if (called.outcome === 'ok') return called.value;
  const { commit, first } = called.extra;
  return {
    outcome: called.outcome,
    code: called.code,
    records: [],
    commit: typeof commit === 'number' ? commit : null,
    ...(typeof first === 'number' && { first }),
  };
}

/** Whatever rows there are; `unknown` if the answer broke off. */
async function rowsOf(response: HttpResponse): Promise<Answer> {
  const commit = Number(headerOf(response, 'log-commit') ?? Number.NaN);
  const records: ReadRow[] = [];
  let outcome: CallOutcome = 'ok';
  let sizeBytes = 0;
  try {
    for await (const { bytes, ended } of linesIn(response.body, MAX_PAGE_BYTES, tooLarge)) {
      if (ended) records.push(rowOf(bytes.toString('utf8')));
      else outcome = 'unknown';
      sizeBytes += bytes.length;
      if (sizeBytes > MAX_PAGE_BYTES) throw tooLarge();
    }
  } catch {
    // Cut off in the middle, by the deadline or the other side: what came before it was read all the same.
    outcome = 'unknown';
  }
  const known = Number.isSafeInteger(commit) ? commit : null;
  return { outcome: known === null ? 'unknown' : outcome, records, commit: known };
}

function rowOf(line: string): ReadRow {
  const { offset, value, base64, epoch, timestamp } = JSON.parse(line);
  return [offset, value ?? `base64:${base64}`, epoch, timestamp];
}
