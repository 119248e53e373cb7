// What an answer that is no success tells: a redirect, a problem document of a logger, or something that stood in between
// (a proxy, another server). From a stranger nothing is taken for granted: its 5xx leaves a write's outcome unknown.
import { ERRORS, type ErrorCode, type Outcome } from '../errors.ts';
import { ClientError, type RetryReason } from './errors.ts';
import { type HttpResponse, headerOf, readBody } from './http.ts';

const MAX_PROBLEM_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

type Head = Pick<HttpResponse, 'status' | 'headers'>;

/** An attempt that did not succeed. */
export type Failure = FailureKind & {
  /** The answer is to the last of several sendings, which says nothing of the others. */
  readonly resent?: boolean;
};

type FailureKind =
  | { readonly kind: 'redirect'; readonly to: string }
  | {
      readonly kind: 'retry';
      readonly reason: RetryReason;
      readonly detail: string;
      readonly outcome: Outcome;
      /** Wait asked for by the server; null when it asked for none. */
      readonly retryAfterMs: number | null;
      /** The logger leads, it only takes no more now. */
      readonly busy: boolean;
    }
  | { readonly kind: 'final'; readonly error: ClientError };

/** Whether a write may have been carried out, now or later, by the attempt that failed like this. */
export const leavesOpen = (failure: Failure): boolean =>
  failure.resent === true || (failure.kind === 'retry' && failure.outcome === 'unknown');

const BUSY: readonly string[] = ['too-many-requests', 'overloaded', 'disk-full'];

/** Reads an answer of `base` whose status is not 2xx. `path` is what was asked for, to find the base URL in a redirect. */
export async function failureOf(response: HttpResponse, base: string, path: string): Promise<Failure> {
  const body = isRedirect(response) ? NOTHING : await readBody(response, MAX_PROBLEM_BYTES);
  return failureIn(response, body, base, path);
}

/** As `failureOf`, of an answer that is there whole. */
export function failureIn(response: Head, body: Buffer, base: string, path: string): Failure {
  if (isRedirect(response)) return redirectOf(response, base, path);
  const problem = problemIn(response, body);
  return problem === null ? strangerSays(response) : loggerSays(problem, response);
}

const isRedirect = ({ status }: Head): boolean => status === 307 || status === 308;

function redirectOf(response: Head, from: string, path: string): Failure {
  const location = headerOf(response, 'location') ?? '';
  // Only the same path elsewhere makes sense: its prefix is the other logger's base URL.
  const base = location.endsWith(path) ? location.slice(0, -path.length) : '';
  const protocol = URL.canParse(base) ? new URL(base).protocol : '';
  // What is said in confidence, the token above all, would go on in the clear.
  if (protocol === 'http:' && from.startsWith('https:'))
    return retry('bad-answer', `${from} redirects to ${base}, which is no https://`, 'refused', response);
  if (protocol === 'http:' || protocol === 'https:') return { kind: 'redirect', to: base };
  return retry('bad-answer', `a redirect to ${JSON.stringify(location)}`, 'refused', response);
}

interface KnownProblem {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly members: Readonly<Record<string, unknown>>;
}

function problemIn(response: Head, body: Buffer): KnownProblem | null {
  if (!headerOf(response, 'content-type')?.startsWith('application/problem+json')) return null;
  let members: unknown;
  try {
    members = JSON.parse(body.toString('utf8'));
  } catch {
    return null; // cut off or no JSON: then it is judged by its status alone
  }
  if (typeof members !== 'object' || members === null) return null;
  const { code, detail } = members as { code?: unknown; detail?: unknown };
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code)) return null;
  const known = code as ErrorCode;
  return {
    code: known,
    detail: typeof detail === 'string' ? detail : ERRORS[known].title,
    members: { ...members },
  };
}

function loggerSays({ code, detail, members }: KnownProblem, response: Head): Failure {
  const { retryAfterMs: wait, outcome } = ERRORS[code];
  if (wait === null)
    return { kind: 'final', error: new ClientError(code, detail, { outcome, extra: members }) };
  const { retryAfterMs } = members;
  return {
    ...retry(code, detail, outcome, response),
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 && { retryAfterMs }),
    busy: BUSY.includes(code),
  };
}

function strangerSays(response: Head): Failure {
  const { status } = response;
  const detail = `HTTP status ${status} without a problem document`;
  if (status === 429) return { ...retry('bad-answer', detail, 'refused', response), busy: true };
  if (status >= 500 || status === 408 || status < 400)
    return retry('bad-answer', detail, 'unknown', response);
  return { kind: 'final', error: new ClientError('bad-answer', detail, { outcome: 'refused' }) };
}

function retry(reason: RetryReason, detail: string, outcome: Outcome, response: Head) {
  const seconds = headerOf(response, 'retry-after') ?? '';
  const retryAfterMs = /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : null;
  return { kind: 'retry', reason, detail, outcome, retryAfterMs, busy: false } as const;
}
