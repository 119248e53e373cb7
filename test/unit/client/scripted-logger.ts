// A logger that does what a test tells it to: each request is handled by the next step of a script, then by `otherwise`.
// The sockets are real, so that resets, silence and broken bodies are too.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { STREAM_ROUTE } from '../../../src/api/stream-protocol.ts';
import { type ErrorCode, LoggerError, problemOf } from '../../../src/errors.ts';
import { batchesProblem, type LogRecord, readHeader, recordsOf } from '../../../src/log/index.ts';
import type { Pair } from '../../support/authority.ts';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** It came over an append stream. */
  readonly streamed: boolean;
}

export type Step = (received: Received) => void | Promise<void>;

/** What a test's context offers to end things with it. */
export interface Owner {
  after(end: () => Promise<void>): void;
}

/** As much of a response as steps use, for a batch of a stream. */
class StreamAnswer {
  readonly socket: Socket;
  text: string | null = null;
  readonly #done: () => void;
  #head: { status: number; headers: Record<string, string> } = { status: 200, headers: {} };

  constructor(socket: Socket, done: () => void) {
    this.socket = socket;
    this.#done = done;
  }

  writeHead(status: number, headers: Record<string, string>): this {
    this.#head = { status, headers };
    return this;
  }

  /** Half an answer is none here. */
  write(_text: string, written: () => void): void {
    written();
  }

  end(body = '{}'): void {
    const { status, headers } = this.#head;
    this.text =
      status === 200
        ? body
        : JSON.stringify({ status, headers, body: body.startsWith('{') ? JSON.parse(body) : { text: body } });
    this.#done();
  }
}

export class ScriptedLogger {
  readonly received: Received[] = [];
  /** Statuses are asked by scouts at any time: they do not use up steps. Null leaves them unanswered. */
  status: object | null = null;
  /** Paths of the statuses asked for. */
  readonly asked: string[] = [];
  /** With it, those that may wait for a leader are kept: each entry answers one with the status as it is then. */
  held: (() => void)[] | null = null;
  refusesWaits = false;
  /** Append streams that were opened. */
  streams = 0;
  refusedStreams = 0;
  readonly #streaming = new Set<WebSocket>();
  script: Step[];
  otherwise: Step;
  readonly #server: Server;
  readonly #scheme: string;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, scheme: string, script: Step[], otherwise: Step) {
    this.#server = server;
    this.#scheme = scheme;
    this.script = script;
    this.otherwise = otherwise;
  }

  static async start(
    owner: Owner,
    script: Step[] = [],
    otherwise: Step = acknowledge(),
    tls: Pair | null = null,
  ): Promise<ScriptedLogger> {
    const server = tls === null ? createServer() : createSecureServer(tls);
    const logger = new ScriptedLogger(server, tls === null ? 'http' : 'https', script, otherwise);
    server.on('connection', (socket) => {
      logger.#sockets.add(socket);
      socket.on('close', () => logger.#sockets.delete(socket));
    });
    server.on('request', (request, response) => void logger.#handle(request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    owner.after(() => logger.stop());
    return logger;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests of one path, scouts left out. */
  appends(): Received[] {
    return this.received.filter(({ method, url }) => method === 'POST' && url === '/api/v1/log');
  }

  /** Breaks every connection, as a process that dies. */
  breakConnections(): void {
    for (const socket of this.#sockets) breakOff(socket);
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.breakConnections();
    await closed;
  }

  /** From now on it has append streams, whose batches are handled by steps as those of requests are. */
  offerStreams(): void {
    const streams = new WebSocketServer({ noServer: true });
    this.#server.on('upgrade', (request, socket, head) => {
      streams.handleUpgrade(request, socket, head, (ws) => this.#stream(ws, request));
    });
  }

  get openStreams(): number {
    return this.#streaming.size;
  }

  closeStreams(): void {
    for (const ws of this.#streaming) ws.close();
  }

  #stream(ws: WebSocket, request: IncomingMessage): void {
    this.streams += 1;
    this.#streaming.add(ws);
    ws.once('close', () => this.#streaming.delete(ws));
    ws.on('error', () => {});
    const answers: StreamAnswer[] = [];
    ws.on('message', (body: Buffer) => {
      const response = new StreamAnswer(request.socket, () => {
        while (answers[0]?.text) ws.send(answers.shift()?.text ?? '');
      });
      answers.push(response);
      const received = {
        method: 'POST',
        url: '/api/v1/log',
        headers: request.headers,
        body,
        request,
        response: response as unknown as ServerResponse,
        streamed: true,
      };
      this.received.push(received);
      void (this.script.shift() ?? this.otherwise)(received);
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // its connection was broken, by the step of a request before it
    }
    if (request.url === STREAM_ROUTE) {
      this.refusedStreams += 1;
      response.writeHead(404).end();
      return;
    }
    if (request.url?.startsWith('/api/v1/status')) {
      this.asked.push(request.url);
      const tell = (): void => {
        if (this.status) json(response, 200, this.status);
      };
      if (this.refusesWaits && request.url.includes('?')) json(response, 400, { code: 'invalid-request' });
      else if (this.held && request.url.includes('wait=')) this.held.push(tell);
      else tell();
      return;
    }
    const received = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks),
      request,
      response,
      streamed: false,
    };
    this.received.push(received);
    await (this.script.shift() ?? this.otherwise)(received);
  }
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** The records of the batch in a body, as the loggers would read them. */
export const recordsIn = ({ body }: Received): LogRecord[] => {
  assert.equal(batchesProblem(body), null);
  return [...recordsOf([body])];
};

export const valuesIn = (received: Received): string[] =>
  recordsIn(received).map(({ value }) => value.toString('utf8'));

/** Producer id, epoch and sequence of the batch in a body. */
export const stampIn = ({ body }: Received) => {
  const { producer } = readHeader(body, 0);
  assert.ok(producer);
  return { ...producer, id: String(producer.id) };
};

/** Acknowledges appends, with offsets counted by `store` across loggers that share it. */
export function acknowledge(store: { end: number; epoch?: number } = { end: 0 }): Step {
  return (received) => {
    const count = recordsIn(received).length;
    const offset = store.end;
    store.end += count;
    json(received.response, 200, { offset, count, epoch: store.epoch ?? 1 });
  };
}

export const answer =
  (status: number, body: object | string, headers: Record<string, string> = {}): Step =>
  ({ response }) => {
    if (typeof body === 'object') return json(response, status, body, headers);
    response.writeHead(status, headers).end(body);
  };

export const problem =
  (code: ErrorCode, extra: Record<string, string | number> = {}): Step =>
  ({ response }) => {
    const document = problemOf(new LoggerError(code, undefined, { extra }));
    response.writeHead(document.status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify(document));
  };

export const redirect =
  (to: () => string): Step =>
  ({ response, url }) =>
    void response.writeHead(307, { location: to() + url, connection: 'close' }).end();

/** The connection breaks without an answer. */
export const reset: Step = ({ request }) => breakOff(request.socket);

/** One that is being shut down cannot be reset: Node would keep it, and never end. */
function breakOff(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Never answers. */
export const silence: Step = () => {};

/** The answer begins and breaks off. */
export const resetMidBody: Step = ({ response }) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"offset":', () => response.socket?.resetAndDestroy());
};
