// Clients of append streams: the package `ws`, which behaves, and frames by hand for what it cannot send.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';
import { STREAM_PROTOCOL, STREAM_ROUTE, type StreamRefusal } from '../../src/api/stream-protocol.ts';
import type { AppendResult } from '../../src/api/types.ts';
import { encodeBatch } from '../../src/log/index.ts';
import type { ProducerStamp } from '../../src/log/types.ts';
import { type Answer, RawClient, until } from './api.ts';

/** What a test's context offers to end things with it. */
interface Owner {
  after(end: () => void): void;
}

export const batchOf = (values: readonly string[], producer: ProducerStamp | null = null): Buffer =>
  encodeBatch(
    values.map((value) => ({ value: Buffer.from(value) })),
    { timestampMs: 0, producer },
  );

/** A stream that is open. What it receives is kept. */
export class StreamClient {
  readonly ws: WebSocket;
  readonly answers: (AppendResult | StreamRefusal)[] = [];
  /** Of its close; null while it is open. */
  closeCode: number | null = null;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data, isBinary) => {
      assert.equal(isBinary, false);
      this.answers.push(JSON.parse(String(data)));
    });
    ws.on('close', (code) => {
      this.closeCode = code;
    });
    // A reset is one way for a stream to end: its close tells that it did.
    ws.on('error', () => {});
  }

  get offsets(): (number | undefined)[] {
    return this.answers.map((answer) => ('offset' in answer ? answer.offset : undefined));
  }

  send(...messages: (Buffer | string)[]): void {
    for (const message of messages) this.ws.send(message);
  }

  async answered(count: number): Promise<void> {
    await until(`${count} batches are answered`, () => this.answers.length >= count);
    assert.equal(this.answers.length, count);
  }

  /** The answer to one batch, where no other is under way. */
  async ask(message: Buffer | string): Promise<AppendResult | StreamRefusal> {
    const before = this.answers.length;
    this.send(message);
    await this.answered(before + 1);
    return this.answers[before]!;
  }

  async closed(): Promise<number> {
    await until('the stream is closed', () => this.closeCode !== null);
    return this.closeCode ?? 0;
  }
}

const dial = ({ url }: { url: string }, options: ClientOptions): WebSocket =>
  new WebSocket(`${url.replace(/^http/, 'ws')}${STREAM_ROUTE}`, STREAM_PROTOCOL, {
    perMessageDeflate: false,
    ...options,
  });

export async function openStream(
  t: Owner,
  api: { url: string },
  options: ClientOptions = {},
): Promise<StreamClient> {
  const client = new StreamClient(dial(api, options));
  t.after(() => client.ws.terminate());
  await until('the stream is open', () => client.ws.readyState !== WebSocket.CONNECTING);
  assert.equal(client.ws.readyState, WebSocket.OPEN);
  return client;
}

/** The answer to a handshake. A stream that it opens is closed. */
export function askForStream(api: { url: string }, options: ClientOptions = {}): Promise<Answer> {
  const ws = dial(api, options);
  return new Promise((resolve, reject) => {
    ws.once('upgrade', ({ headers }) => resolve({ status: 101, headers, text: '' }));
    ws.once('open', () => ws.terminate());
    ws.once('error', reject);
    ws.once('unexpected-response', async (_request, response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
  });
}

/** A handshake, byte by byte; of its usual header fields, those that `fields` gives otherwise. */
export function handshake(fields: Record<string, string | undefined> = {}, path = STREAM_ROUTE): string {
  const all = {
    Host: 'x',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return [`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

/** A stream on a bare connection. */
export async function openRawStream(
  t: Owner,
  { port }: { port: number },
  fields: Record<string, string | undefined> = {},
): Promise<RawClient> {
  const client = new RawClient(port);
  t.after(() => client.socket.destroy());
  client.write(handshake(fields));
  await until('the stream is open', () => client.text.includes('\r\n\r\n'));
  assert.match(client.text, /^HTTP\/1\.1 101 /);
  return client;
}

export const TEXT = 1;
export const BINARY = 2;
const FINAL_BIT = 0x80;
const MASKED_BIT = 0x80;
const LENGTH_FOLLOWS = 127;

/** A message in one frame, its mask all zeros. */
export function frame(opcode: typeof TEXT | typeof BINARY, payload: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head[0] = FINAL_BIT | opcode;
  head[1] = MASKED_BIT | LENGTH_FOLLOWS;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}
