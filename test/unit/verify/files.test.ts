// Histories of several files, each with its own clock: times are compared over files only beyond the bound given, within one always.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type HistoryLine, reportText, verifyFiles } from '../../../src/verify/index.ts';
import { final, header, ok, rows, textOf } from '../../support/history.ts';

async function check(
  t: TestContext,
  files: Readonly<Record<string, readonly HistoryLine[]>>,
  clockSkewMs: number,
) {
  const dir = await mkdtemp(join(tmpdir(), 'distributed-logger-history-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const paths: string[] = [];
  for (const [name, lines] of Object.entries(files)) {
    paths.push(join(dir, name));
    await writeFile(join(dir, name), textOf([header(), ...lines]));
  }
  return verifyFiles(paths, { clockSkewMs, others: false, input: Readable.from([]) });
}

/** The second append began 5 ms after the end of the first one, and is below it. */
const high = ok('p:1', 1, [10, 20]);
const low = ok('q:1', 0, [25, 30]);
const end = final(rows(0, 'q:1', 'p:1'), [900, 910]);

test('over two files the order is only checked beyond the bound of the clocks', async (t) => {
  const files = { 'p.jsonl': [high], 'q.jsonl': [low, ...end] };
  const { verdict, anomalies } = await check(t, files, 4);
  assert.equal(verdict, 'invalid');
  assert.deepEqual(
    anomalies.map(({ kind, evidence }) => [kind, evidence.map(({ file, line }) => `${file.at(-7)}:${line}`)]),
    [['order', ['p:2', 'q:2']]],
  );
  assert.equal((await check(t, files, 6)).verdict, 'valid');
});

test('within one file it is checked whatever the bound', async (t) => {
  const files = { 'a.jsonl': [high, low], 'b.jsonl': end };
  assert.deepEqual((await check(t, files, 1000)).counts, { order: 1 });
});

test('the report for people has the verdict first, and the lines that show it', async (t) => {
  const wrong = reportText(await check(t, { 'a.jsonl': [high, low, ...end] }, 0));
  assert.match(wrong, /^INVALID: 1 anomaly \(order 1\)\.\n\nappends {3}2 acknowledged, 0 refused, 0 unknown/);
  assert.match(
    wrong,
    /\norder: a record was sent after others were known, and has a lower offset\n {2}an append began when/,
  );
  assert.match(
    wrong,
    /a\.jsonl:2: p appends "p:1", 00:00:00\.010 to 00:00:00\.020: acknowledged at offset 1, epoch 1\n/,
  );
  const right = reportText(
    await check(
      t,
      { 'a.jsonl': [high, ...final(rows(0, 'q:1', 'p:1'), [900, 910]), ok('q:1', 0, [5, 30])] },
      0,
    ),
  );
  assert.match(right, /^Valid: no anomaly was found\.\n/);
});
