// Watches the loggers' register in Consul by blocking queries, so that a new leader is known within a round trip. Consul may
// be away for as long as it likes: what was known stays, and nobody can be elected meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { AnswerError } from './attempt.ts';
import { backoffMs } from './backoff.ts';
import { type Http, type HttpResponse, headerOf, readBody } from './http.ts';
import type { ConsulSettings } from './settings.ts';
import { baseUrl, isCount, isObject } from './shapes.ts';

const WAIT_SECONDS = 10;
/** Consul adds up to a sixteenth to the wait; the rest is for the way. */
const TIMEOUT_MS = WAIT_SECONDS * 1000 * (1 + 1 / 16) + 2000;
const RETRY_MAX_MS = 1000;
/** After an answer that brings nothing new, so that a server which answers at once does not make this loop spin. */
const PAUSE_MS = 10;
const MAX_ANSWER_BYTES = 512 * 1024; // Consul's own limit of a value, and its base64

/** What the register says. It is written before the new leader has collected its majority, so it is a hint. */
export interface RegisteredLeader {
  readonly id: string;
  /** Base URL of its HTTP API. */
  readonly api: string;
  readonly epoch: number;
  /** False when no session holds the lock: possibly nobody leads. */
  readonly locked: boolean;
}

export interface LeaderHandlers {
  /** Once at first, and after every change; null when there is no register. */
  onLeader(leader: RegisteredLeader | null): void;
  /** A query failed; it is made again. */
  onError?(detail: string): void;
}

interface Seen {
  readonly index: number;
  readonly leader: RegisteredLeader | null;
}

/** Watches until `signal` aborts; never rejects. */
export async function watchRegister(
  http: Http,
  { urls, cluster, token }: ConsulSettings,
  handlers: LeaderHandlers,
  signal: AbortSignal,
): Promise<void> {
  const key = `distributed-logger/${cluster}/leader`;
  let index = 0;
  for (let failures = 0, at = 0; !signal.aborted; ) {
    const path = `/v1/kv/${key}?index=${index}&wait=${WAIT_SECONDS}s`;
    const limits = { timeoutMs: TIMEOUT_MS, signal };
    const current = token();
    const headers: Record<string, string> = current === '' ? {} : { 'x-consul-token': current };
    try {
      const question = { method: 'GET', path, headers } as const;
      const seen = await http.request(urls[at] as string, question, limits, (response) =>
        read(response, key),
      );
      // An index that goes back means that Consul was restored: begin anew.
      const moved = seen.index !== index;
      index = seen.index < index ? 0 : seen.index;
      failures = 0;
      if (moved) handlers.onLeader(seen.leader);
      else await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    } catch (error) {
      if (signal.aborted) return;
      handlers.onError?.(`${urls[at]}: ${messageOf(error)}`);
      failures += 1;
      at = (at + 1) % urls.length;
      await sleep(backoffMs(Math.ceil(failures / urls.length), RETRY_MAX_MS), undefined, { signal }).catch(
        () => undefined, // aborted: the loop's condition ends it
      );
    }
  }
}

async function read(response: HttpResponse, key: string): Promise<Seen> {
  const body = (await readBody(response, MAX_ANSWER_BYTES)).toString('utf8');
  const index = Number(headerOf(response, 'x-consul-index') ?? Number.NaN);
  // Consul's indexes begin at 1.
  const hasIndex = isCount(index) && index > 0;
  if (response.status === 404 && hasIndex) return { index, leader: null };
  if (response.status !== 200 || !hasIndex)
    throw new AnswerError(`HTTP status ${response.status}: ${body.slice(0, 200)}`);
  const pairs = json(body);
  const pair: unknown = Array.isArray(pairs) ? pairs[0] : null;
  if (!isObject(pair) || pair.Key !== key) throw new AnswerError('the answer does not hold the register');
  return { index, leader: leaderIn(pair) };
}

function leaderIn({ Value, Session }: Readonly<Record<string, unknown>>): RegisteredLeader {
  const value = json(Buffer.from(String(Value), 'base64').toString('utf8'));
  const { epoch, leader } = isObject(value) ? value : {};
  const { id, api } = isObject(leader) ? leader : {};
  const url = baseUrl(api);
  if (!isCount(epoch) || typeof id !== 'string' || url === null)
    throw new AnswerError('the register holds no leader');
  return { id, api: url, epoch, locked: typeof Session === 'string' && Session !== '' };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AnswerError('what Consul answers is not JSON where it should be', { cause });
  }
}
