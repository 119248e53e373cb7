// Runs the HTTP API over a logger in memory, on a real port, and speaks to it: by node:http, and byte by byte.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import type { Access } from '../../src/api/access.ts';
import type { Bounds } from '../../src/api/bounds.ts';
import {
  type Api,
  type ApiLimits,
  type AppendCode,
  createApi,
  type StatsSample,
} from '../../src/api/index.ts';
import type { ServerTls } from '../../src/api/tls.ts';
import { ERRORS, type ErrorCode, type Problem } from '../../src/errors.ts';
import { MemoryService } from './memory-service.ts';
import { until } from './until.ts';

export { until };

const DEADLINE_MS = 10_000;

export const LIMITS: ApiLimits = {
  bodyBytes: 64 * 1024,
  recordBytes: 16 * 1024,
  bufferedBytes: 1024 * 1024,
  readers: 4,
};

/** What a leader tells of two seconds. */
export const SAMPLE: StatsSample = {
  time: 1_700_000_000_000,
  role: 'leader',
  epoch: 1,
  commit: 10,
  recordsPerSecond: 2.5,
  bytesPerSecond: 100,
  append: { count: 5, p50Ms: 1.1, p99Ms: 2, maxMs: 2.5 },
  fsync: null,
  lag: { 'logger-1': 3, 'logger-2': null },
};

export interface RunningApi {
  readonly api: Api;
  readonly service: MemoryService;
  readonly url: string;
  readonly port: number;
  readonly requests: { route: string; method: string; status: number; seconds: number }[];
  readonly appends: { code: AppendCode; seconds: number; records: number; bytes: number }[];
  /** Live readers now. */
  readonly readers: () => number;
  /** Connections whose TLS handshake failed. */
  readonly tlsFailures: () => number;
  /** Connections closed because their client was too slow. */
  readonly slowReaders: () => number;
  /** What was logged as an error. A test that expects none asserts so at its end, by `startApi` itself. */
  readonly errors: string[];
}

export async function startApi(
  t: { after(end: () => Promise<void>): void },
  options: {
    limits?: Partial<ApiLimits>;
    bounds?: Partial<Bounds>;
    expectsErrors?: boolean;
    access?: Access;
    tls?: ServerTls;
    port?: number;
    hosts?: readonly string[];
  } = {},
): Promise<RunningApi> {
  const service = new MemoryService();
  const requests: RunningApi['requests'] = [];
  const appends: RunningApi['appends'] = [];
  const errors: string[] = [];
  let readers = 0;
  let tlsFailures = 0;
  let slowReaders = 0;
  const api = createApi({
    service,
    limits: { ...LIMITS, ...options.limits },
    hosts: options.hosts ?? null,
    bounds: { timeoutCheckMs: 20, ...options.bounds },
    log: pino({ level: 'error' }, { write: (line: string) => void errors.push(line) }),
    metrics: {
      onRequest: (sample) => void requests.push(sample),
      onAppend: (sample) => void appends.push(sample),
      onTlsFailure: () => {
        tlsFailures += 1;
      },
      onSlowReader: () => {
        slowReaders += 1;
      },
      onReaders: (count) => {
        readers = count;
      },
    },
    metricsText: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    version: '1.2.3',
    ...(options.access && { access: options.access }),
    ...(options.tls && { tls: options.tls }),
  });
  await api.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  t.after(async () => {
    await api.close(0);
    if (options.expectsErrors !== true) assert.deepEqual(errors, []);
  });
  const port = Number(new URL(api.url).port);
  return {
    api,
    service,
    url: api.url,
    port,
    requests,
    appends,
    readers: () => readers,
    tlsFailures: () => tlsFailures,
    slowReaders: () => slowReaders,
    errors,
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Sending {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

/** One request, its answer whole. Redirects are not followed. */
export async function send(url: string, sending: Sending = {}): Promise<Answer> {
  const response = await open(url, sending);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(chunks).toString(),
  };
}

/** As `send`, but gives the response as soon as its head is here. */
export async function open(
  url: string,
  { method, headers, body, agent }: Sending = {},
): Promise<IncomingMessage> {
  const outgoing = request(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    agent: agent ?? false,
    ...(headers === undefined ? {} : { headers }),
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}

export const post = (
  { url }: { url: string },
  body: string | Buffer,
  headers: Record<string, string> = { 'content-type': 'text/plain' },
): Promise<Answer> => send(`${url}/api/v1/log`, { body, headers });

export const rowsOf = ({ text }: Answer): Record<string, unknown>[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));

/** Asserts that an answer is a whole problem document of this code, and returns it. */
export function assertProblem({ status, headers, text }: Answer, code: ErrorCode): Problem {
  assert.equal(headers['content-type'], 'application/problem+json', text);
  const problem: Problem = JSON.parse(text);
  assert.equal(problem.code, code, text);
  assert.equal(status, ERRORS[code].status);
  assert.equal(problem.status, status);
  assert.equal(problem.type, `urn:distributed-logger:error:${code}`);
  assert.equal(problem.outcome, ERRORS[code].outcome);
  return problem;
}

/** A bare connection: everything that it receives is kept. */
export class RawClient {
  readonly socket: Socket;
  text = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    // A reset is one way for a connection to end; what was received before it is what counts.
    this.socket.on('error', () => {});
  }

  write(text: string | Buffer): void {
    this.socket.write(text);
  }

  async closed(): Promise<string> {
    await until('the connection is closed', () => this.socket.closed);
    return this.text;
  }

  /** The answers received so far, each as `send` gives them; all must have a Content-Length. */
  get answers(): Answer[] {
    const answers: Answer[] = [];
    for (let rest = this.text; rest.includes('\r\n\r\n'); ) {
      const end = rest.indexOf('\r\n\r\n');
      const [line, ...fields] = rest.slice(0, end).split('\r\n');
      const headers = Object.fromEntries(
        fields.map((field) => [
          field.slice(0, field.indexOf(':')).toLowerCase(),
          field.slice(field.indexOf(':') + 1).trim(),
        ]),
      );
      const length = Number(headers['content-length'] ?? 0);
      answers.push({
        status: Number(line?.split(' ')[1]),
        headers,
        text: rest.slice(end + 4, end + 4 + length),
      });
      rest = rest.slice(end + 4 + length);
    }
    return answers;
  }
}

/** Sends the same request until it is answered with `status`. */
export async function sendUntil(status: number, url: string): Promise<Answer> {
  let answer = await send(url);
  const deadlineMs = performance.now() + DEADLINE_MS;
  for (; answer.status !== status; answer = await send(url))
    assert.ok(performance.now() < deadlineMs, `${url} was not answered with ${status}`);
  return answer;
}
