// What came on a connection, taken apart as HTTP/1.1 (RFC 9112), and judged: each answer that is no success is a whole problem
// document whose code is ours.
import assert from 'node:assert/strict';
import { ERRORS, type ErrorCode } from '../../../../src/errors.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Null when the connection ended before it was whole. */
  readonly body: Buffer | null;
}

/** Throws where the bytes are no answers, one behind the other. The last one may be cut off. */
export function answersIn(bytes: Buffer): HttpAnswer[] {
  const answers: HttpAnswer[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) {
      assert.ok(
        'HTTP/1.1 '.startsWith(rest.toString('latin1', 0, 9)),
        `no answer: ${rest.toString('latin1', 0, 200)}`,
      );
      break;
    }
    const [line = '', ...fields] = rest.toString('latin1', 0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
    assert.ok(status >= 100 && status < 600, `no status line: ${line}`);
    const headers = new Map(
      fields.map((field) => {
        const at = field.indexOf(':');
        return [field.slice(0, at).toLowerCase(), field.slice(at + 1).trim()];
      }),
    );
    const { body, size } = bodyOf(rest.subarray(end + 4), status, headers);
    if (status >= 200) answers.push({ status, headers, body });
    rest = rest.subarray(end + 4 + size);
  }
  return answers;
}

function bodyOf(
  rest: Buffer,
  status: number,
  headers: ReadonlyMap<string, string>,
): { body: Buffer | null; size: number } {
  const none = { body: Buffer.alloc(0), size: 0 };
  // An answer to HEAD tells a length and has no body; the next answer, or nothing, follows.
  if (
    status < 200 ||
    status === 204 ||
    status === 304 ||
    (rest.length === 0 && !headers.has('transfer-encoding'))
  )
    return none;
  if (rest.subarray(0, 9).equals(Buffer.from('HTTP/1.1 '))) return none;
  if (headers.get('transfer-encoding') === 'chunked') return chunkedBody(rest);
  // For a client of HTTP/1.0 an answer whose length is not known ends with the connection.
  const length = Number(headers.get('content-length') ?? rest.length);
  return rest.length < length
    ? { body: null, size: rest.length }
    : { body: rest.subarray(0, length), size: length };
}

function chunkedBody(rest: Buffer): { body: Buffer | null; size: number } {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = rest.indexOf('\r\n', at);
    if (end === -1) return { body: null, size: rest.length };
    const size = Number.parseInt(rest.toString('latin1', at, end), 16);
    assert.ok(size >= 0, 'a chunk without a size');
    if (rest.length < end + 4 + size) return { body: null, size: rest.length };
    if (size === 0) return { body: Buffer.concat(chunks), size: end + 4 };
    chunks.push(rest.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}

export function assertAnswer({ status, headers, body }: HttpAnswer): void {
  assert.notEqual(status, 500, String(body));
  if (status < 400 || body === null || body.length === 0) return;
  assert.equal(headers.get('content-type'), 'application/problem+json', String(body));
  const problem = JSON.parse(body.toString('utf8'));
  assert.ok(Object.hasOwn(ERRORS, problem.code), `the code ${problem.code} is not in the table`);
  const { status: expected, outcome } = ERRORS[problem.code as ErrorCode];
  assert.deepEqual([status, problem.status, problem.outcome], [expected, expected, outcome]);
}
