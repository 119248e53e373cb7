// Files that are no history: what is wrong with which line is said, and nothing is guessed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HistoryError, type HistoryLine } from '../../../src/verify/index.ts';
import { final, header, ok, read, rows, textOf, unknown, verify, verifyText } from '../../support/history.ts';

const append = ok('p:1', 0, [10, 20]);
const whole = [header(), append, ...final(rows(0, 'p:1'), [30, 40])];
const second = (line: object): string => textOf([header(), line as HistoryLine]);

const DAMAGED: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
  'an empty file': ['', /^-: the file is empty$/],
  'no header': [textOf([append]), /^-:1: a history begins with a line of type history, not append$/],
  'another version': [
    textOf([{ ...header(), version: 2 as 1 }]),
    /^-:1: .*version 2, this program reads version 1$/,
  ],
  'no JSON in the middle': [textOf(whole).replace('"append"', 'append'), /^-:2: this is not JSON: /],
  'no object': [second([]), /^-:2: this is no JSON object$/],
  'an unknown type': [
    second({ type: 'write' }),
    /^-:2: the type of this line is "write", not one of history, /,
  ],
  'a missing field': [
    second({ ...append, values: undefined }),
    /^-:2: a line of type append without "values"$/,
  ],
  'a malformed field': [second({ ...append, start: 'noon' }), /^-:2: "start" is "noon"$/],
  'an append of nothing': [second({ ...append, values: [] }), /^-:2: an append of no values$/],
  'an end before the start': [second({ ...append, end: 9 }), /^-:2: it ends before it starts$/],
  'ok without an offset': [
    second({ ...append, offset: undefined }),
    /^-:2: an append that is ok has "offset"/,
  ],
  'ok without an end': [second({ ...append, end: null }), /^-:2: an append that never ended, but is "ok"$/],
  'a malformed record': [second(read([[0, 'p:1'] as never], [1, 2])), /^-:2: a record read is \[0,"p:1"\]/],
  'a value sent twice': [
    textOf([header(), append, { ...append, call: 2 }]),
    /^-:3: "p:1" was sent before, by line 2 of -/,
  ],
};

for (const [name, [text, says]] of Object.entries(DAMAGED))
  test(`${name} is refused`, async () => {
    await assert.rejects(verifyText(text), (error: unknown) => {
      assert.ok(error instanceof HistoryError);
      assert.match(error.message, says);
      return true;
    });
  });

test('a last line that was cut off is left out, and noted', async () => {
  const text = textOf(whole);
  const { verdict, notes } = await verifyText(`${text}{"type":"append","proc`);
  assert.equal(verdict, 'valid');
  assert.deepEqual(notes, ['-:5: the last line was cut off, and is left out']);
  assert.equal((await verifyText(text.slice(0, -1))).verdict, 'valid', 'only the newline is missing');
});

test('without a whole final read, or without an acknowledgement, the verdict is unknown', async () => {
  const [page, end] = final(rows(0, 'p:1'), [30, 40]);
  assert.equal((await verify([append])).verdict, 'unknown');
  const { verdict, notes } = await verify([
    append,
    page,
    { ...end, complete: false, reason: 'no more in time' },
  ]);
  assert.equal(verdict, 'unknown');
  assert.match(notes.join(), /no complete final read.*http:\/\/a:1 was not read to its end: no more in time/);
  assert.match(
    (await verify([unknown('p:1', [1, 2]), page, end])).notes.join(),
    /no append was acknowledged/,
  );
});

test('what retention took is expired; what a final read was not to read is not known', async () => {
  const [page, end] = final(rows(1, 'p:2'), [50, 60]);
  const both = [append, ok('p:2', 1, [30, 40])];
  const expired = await verify([...both, page, end]);
  assert.deepEqual([expired.verdict, expired.summary.expired], ['valid', 1]);
  const above = textOf([header({ base: 1, started: 25 }), ...both, page, end]);
  const { verdict, summary } = await verifyText(above);
  assert.deepEqual([verdict, summary.unread], ['unknown', 1]);
});

test('records of others are phantoms, unless others write too', async () => {
  const lines = [append, ...final(rows(0, 'p:1', 'hello'), [30, 40])];
  assert.deepEqual((await verify(lines)).counts, { phantom: 1 });
  assert.equal((await verify(lines, true)).verdict, 'valid');
  const own = [append, ...final(rows(0, 'p:1', 'p:9'), [30, 40])];
  assert.deepEqual((await verify(own, true)).counts, { phantom: 1 });
});

test('of many anomalies all are counted, and the first hundred kept', async () => {
  const values = Array.from({ length: 300 }, (_, index) => `x:${index}`);
  const { anomalies, counts } = await verify([append, ...final(rows(0, 'p:1', ...values), [30, 40])]);
  assert.deepEqual([anomalies.length, counts.phantom], [100, 300]);
});
