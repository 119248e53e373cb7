// Talks to the API of the logger that served this page. A token, where one is asked for, is kept in this tab alone.

const TOKEN = 'distributed-logger-token';
const TIMEOUT_MS = 4000;

/** What the API refused, in its words. */
export class Refused extends Error {
  constructor(status, problem) {
    super(String(problem?.detail ?? problem?.title ?? `HTTP ${status ?? 'without a status'}`));
    this.status = status;
    this.code = problem?.code ?? null;
    /** With offset-gone: the first offset that is kept. */
    this.first = Number.isSafeInteger(problem?.first) ? problem.first : null;
  }
}

let onTokenWanted = () => {};
/** `wanted` is called with a sentence whenever the API says that a token, or another one, is needed. */
export function whenTokenWanted(wanted) {
  onTokenWanted = wanted;
}

export const token = () => sessionStorage.getItem(TOKEN);
export function useToken(value) {
  if (value === '') sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, value);
}

async function call(path, options = {}) {
  const headers = new Headers(options.headers);
  const kept = token();
  if (kept !== null) headers.set('authorization', `Bearer ${kept}`);
  const response = await fetch(path, { cache: 'no-store', redirect: 'manual', ...options, headers });
  if (response.type === 'opaqueredirect') throw new Refused(307, { detail: 'Another logger leads now.' });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401)
    onTokenWanted(kept === null ? 'The API asks for a token.' : 'The API does not take this token.');
  throw new Refused(response.status, problem);
}

export async function getJson(path) {
  return (await call(path, { signal: AbortSignal.timeout(TIMEOUT_MS) })).json();
}

export async function transferTo(to) {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ to });
  const signal = AbortSignal.timeout(15_000);
  return (await call('/api/v1/leader/transfer', { method: 'POST', headers, body, signal })).json();
}

/**
 * The log as events from `offset` on, until `signal` aborts or the stream ends; `onOpen` is called once it has begun, and
 * `onRows` is awaited, so that a page that is slow slows the stream. EventSource cannot send a token, hence by hand: a row is one line of data.
 */
export async function follow(offset, signal, { onOpen, onRows }) {
  const headers = { accept: 'text/event-stream' };
  const response = await call(`/api/v1/log?offset=${offset}`, { headers, signal });
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let next = offset;
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop();
    const rows = [];
    let failure = null;
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data: '));
      if (data === undefined) continue;
      try {
        rows.push(rowIn(event, data.slice(6), next));
      } catch (error) {
        failure = error;
        break;
      }
      next += 1;
    }
    // What came before the failure came.
    if (rows.length > 0) await onRows(rows);
    if (failure !== null) throw failure;
  }
}

/** Of an event: the record at `offset`, since anything else would leave a gap or come twice. */
function rowIn(event, data, offset) {
  const parsed = JSON.parse(data);
  if (event.startsWith('event: problem')) throw new Refused(parsed?.status, parsed);
  if (parsed?.offset !== offset || typeof (parsed.value ?? parsed.base64) !== 'string')
    throw new Error(`no record with offset ${offset} came`);
  return parsed;
}
