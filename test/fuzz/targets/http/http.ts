// The HTTP API of a real logger on real sockets, byte by byte. Every answer is HTTP and, where it refuses, a problem document of
// ours; nothing is 500; and the log holds what the API took, each once and in full, and nothing else, whoever was answered.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { ERRORS, type Problem } from '../../../../src/errors.ts';
import { recordsOf } from '../../../../src/log/index.ts';
import { until } from '../../../support/until.ts';
import { type ByteDamage, byteDamage, damageBytes } from '../../mutate.ts';
import { type Rig, target } from '../../target.ts';
import { answersIn, assertAnswer, type HttpAnswer } from './answers.ts';
import { SoloLogger } from './logger.ts';
import { bytesOf, type Request, request } from './requests.ts';

interface Connection {
  readonly requests: readonly Request[];
  readonly damages: readonly ByteDamage[];
  readonly pieces: number;
  readonly end: 'half-close' | 'wait' | 'reset';
}

/** An event stream goes on, and half a request waits for its other half: then the client leaves. */
const PATIENCE_MS = 120;
const OWN_CODES: readonly string[] = ['ok', 'redirected', 'left'];

/** Sends it all, and resolves with the bytes that came. */
async function converse(port: number, { requests, damages, pieces, end }: Connection): Promise<Buffer> {
  const bytes = damageBytes(Buffer.concat(requests.map(bytesOf)), damages);
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  // The other side may end first.
  socket.on('end', () => socket.end());
  const step = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let from = 0; from < bytes.length && !socket.destroyed; from += step) {
    socket.write(bytes.subarray(from, from + step));
    if (pieces > 1) await sleep(0);
  }
  if (end === 'half-close') socket.end();
  if (end === 'reset') socket.resetAndDestroy();
  await Promise.race([closed, sleep(PATIENCE_MS)]);
  socket.destroy();
  await closed;
  return Buffer.concat(chunks);
}

const isRaw = ({ headers }: Request): boolean =>
  headers.length === 1 && /^(text\/plain|application\/octet-stream)$/.test(headers[0]?.[1] ?? '');

export class Http implements Rig<readonly Connection[]> {
  readonly #logger: SoloLogger;
  /** Of all answers so far. */
  readonly statuses = new Set<number>();
  #end = 0;

  constructor(logger: SoloLogger) {
    this.#logger = logger;
  }

  async run(connections: readonly Connection[]): Promise<void> {
    const { api, service, errors, codes } = this.#logger;
    const port = Number(new URL(api.url).port);
    const all = await Promise.all(connections.map((one) => converse(port, one)));
    await until('nobody and nothing is under way', () => api.connections === 0 && service.pending === 0);
    for (const [index, bytes] of all.entries()) {
      const answers = answersIn(bytes);
      for (const answer of answers) {
        assertAnswer(answer);
        this.statuses.add(answer.status);
      }
      this.#assertTaken(connections[index] as Connection, answers);
    }
    await this.#assertStored();
    service.appended.length = 0;
    assert.deepEqual(errors, []);
    for (const code of codes.splice(0)) assert.ok(code in ERRORS || OWN_CODES.includes(code), code);
    assert.equal(this.#logger.readers, 0);
    const alive = await fetch(`${api.url}/livez`, { headers: { connection: 'close' } });
    assert.equal(alive.status, 200);
    const nothing = await fetch(`${api.url}/nothing`, { headers: { connection: 'close' } });
    assert.deepEqual([nothing.status, ((await nothing.json()) as Problem).code], [404, 'not-found']);
  }

  /** Who was answered 200 finds exactly that in the log. */
  #assertTaken({ requests, damages, end }: Connection, answers: readonly HttpAnswer[]): void {
    const { appended } = this.#logger.service;
    for (const { status, headers, body } of answers) {
      if (status !== 200 || !body?.length || !headers.get('content-type')?.startsWith('application/json'))
        continue;
      const { offset, count, epoch } = JSON.parse(body.toString());
      if (offset === undefined || count === undefined || epoch === undefined) continue; // of another path
      assert.ok(
        appended.some((one) => one.offset === offset && one.count === count),
        `${offset} was not appended`,
      );
    }
    const [first] = requests;
    const [answer] = answers;
    if (
      !first ||
      !answer?.body ||
      damages.length > 0 ||
      end === 'reset' ||
      first.method !== 'POST' ||
      !isRaw(first)
    )
      return;
    if (answer.status !== 200 || (first.framing !== 'length' && first.framing !== 'chunked')) return;
    const { offset } = JSON.parse(answer.body.toString());
    const stored = appended.find((one) => one.offset === offset);
    assert.ok(stored?.values[0]?.equals(first.body), 'a raw body is kept byte for byte');
  }

  /** The log holds, behind what it held before, what the API had appended since; read from the log and over HTTP. */
  async #assertStored(): Promise<void> {
    const { log, service, api } = this.#logger;
    const values: Buffer[] = [];
    for (let offset = this.#end; offset < log.end; offset = this.#end + values.length)
      for (const { value } of recordsOf(
        await log.read(offset, { maxBytes: 2 ** 20, below: log.end }),
        offset,
      ))
        values.push(Buffer.from(value));
    const expected: Buffer[] = [];
    for (const one of service.appended) {
      assert.equal(one.count, one.values.length);
      // A repeat of a producer was stored before, perhaps in an earlier case.
      if (one.offset >= this.#end) expected.splice(one.offset - this.#end, one.count, ...one.values);
    }
    assert.deepEqual(values, expected);
    if (values.length > 0) assert.deepEqual(await readOver(api.url, this.#end, values.length), values);
    this.#end = log.end;
  }

  close(): Promise<void> {
    return this.#logger.close();
  }
}

async function readOver(url: string, offset: number, count: number): Promise<Buffer[]> {
  const response = await fetch(`${url}/api/v1/log?offset=${offset}&limit=${count}`, {
    headers: { connection: 'close' },
  });
  const rows = (await response.text()).split('\n').filter((line) => line !== '');
  return rows.map((line, index) => {
    const row = JSON.parse(line);
    assert.equal(row.offset, offset + index);
    return row.base64 === undefined ? Buffer.from(row.value) : Buffer.from(row.base64, 'base64');
  });
}

const connection: fc.Arbitrary<Connection> = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 3 }),
  damages: fc.oneof(
    { weight: 3, arbitrary: fc.constant<ByteDamage[]>([]) },
    { weight: 1, arbitrary: fc.array(byteDamage, { minLength: 1, maxLength: 3 }) },
  ),
  pieces: fc.constantFrom(1, 1, 1, 2, 9),
  end: fc.constantFrom('half-close', 'half-close', 'half-close', 'half-close', 'wait', 'reset'),
});

export const connections = fc.array(connection, { minLength: 1, maxLength: 8 });

export const http = target<readonly Connection[]>({
  name: 'http',
  about: 'requests to the API, each case up to eight connections at once',
  shortCases: 150,
  cases: connections,
  open: async () => new Http(await SoloLogger.open()),
});
