// A tiny HTTP server that plays Consul by a script: right answers, wrong ones, late ones and none.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedRequest {
  readonly method: string;
  /** Decoded, without /v1. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export type ScriptedAnswer =
  | { readonly status: number; readonly json?: unknown; readonly text?: string; readonly index?: number }
  /** Never answers. */
  | 'hang'
  /** Closes the connection without an answer. */
  | 'drop'
  /** Sends a header and half a body, then nothing more. */
  | 'half';

export type Script = (request: ScriptedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

export interface ScriptedServer {
  readonly url: string;
  readonly requests: ScriptedRequest[];
  script: Script;
}

interface Owner {
  after(end: () => Promise<void>): void;
}

export async function scriptedServer(owner: Owner, script: Script): Promise<ScriptedServer> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url ?? '/', 'http://scripted');
    const seen: ScriptedRequest = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname).replace(/^\/v1/, ''),
      query: url.searchParams,
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    scripted.requests.push(seen);
    const answer = await scripted.script(seen);
    if (answer === 'hang') return;
    if (answer === 'drop') return void request.socket.destroy();
    if (answer === 'half') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      return void response.write('[{');
    }
    const type = answer.json === undefined ? 'text/plain' : 'application/json';
    const index = answer.index === undefined ? {} : { 'x-consul-index': String(answer.index) };
    response.writeHead(answer.status, { 'content-type': type, ...index });
    response.end(answer.json === undefined ? (answer.text ?? '') : JSON.stringify(answer.json));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  owner.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const scripted: ScriptedServer = { url: `http://127.0.0.1:${port}`, requests: [], script };
  return scripted;
}

/** A base URL on which nothing listens. */
export async function deadUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
