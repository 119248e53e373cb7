// The reference pages of the API, compared with the code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BOUNDS } from '../../../src/api/bounds.ts';
import { answerOf } from '../../../src/api/problems.ts';
import { ERRORS, type ErrorCode, LoggerError } from '../../../src/errors.ts';

/** The rows of the tables on a page whose first cell is code, cell by cell. */
const rowsOn = (page: string): string[][] =>
  readFileSync(new URL(`../../../docs/reference/${page}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '));

test('errors.md says what src/errors.ts says, code by code', () => {
  const rows = rowsOn('errors.md');
  for (const row of rows) assert.ok((row[5] ?? '').length > 10, `${row[0]} says what to do`);
  assert.deepEqual(
    rows.map((row) => row.slice(0, 5)),
    Object.entries(ERRORS).map(([code, { status, title, retryAfterMs, outcome }]) => [
      `\`${code}\``,
      String(status),
      title,
      retryAfterMs === null ? 'no' : `after ${retryAfterMs} ms`,
      outcome,
    ]),
  );
});

test('api.md says what the fixed limits are, each of them', () => {
  const rows = rowsOn('api.md').map(([name, value]) => [name, value]);
  const limits = Object.entries(BOUNDS).map(([name, value]) => [`\`${name}\``, String(value)]);
  assert.deepEqual(
    rows.filter(([name]) => limits.some(([limit]) => limit === name)),
    limits,
  );
});

test('an answer says the one Retry-After of its code, in the header field and in the document', () => {
  for (const [code, { retryAfterMs }] of Object.entries(ERRORS)) {
    const { headers, body } = answerOf(new LoggerError(code as ErrorCode), 'POST');
    const problem = JSON.parse(body.toString()) as { retryable: boolean; retryAfterMs?: number };
    assert.deepEqual(
      [problem.retryable, problem.retryAfterMs],
      [retryAfterMs !== null, retryAfterMs ?? undefined],
    );
    const seconds = retryAfterMs === null ? undefined : String(Math.ceil(retryAfterMs / 1000));
    assert.equal(headers['retry-after'], seconds, code);
  }
});
