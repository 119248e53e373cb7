import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../../src/cli/progress.ts';
import { StatusLine } from '../../../src/cli/status-line.ts';
import { until } from '../../support/until.ts';

const nowhere = { columns: 80, write: () => {} };

test('how much of all, how many, how fast, how long', () => {
  let nowMs = 1000;
  const progress = new Progress(nowhere, { part: (bytes) => bytes / 1000, now: () => nowMs });
  assert.equal(progress.line(), '[........................]   0 %  0 records  0/s  0:00');
  progress.advance({ records: 2400, bytes: 500 });
  nowMs += 2000;
  assert.equal(progress.line(), '[############............]  50 %  2,400 records  1,200/s  0:02');
  nowMs += 70_000;
  assert.equal(progress.line(), '[############............]  50 %  2,400 records  0/s  1:12');
  progress.end();
});

test('without a known total there is no bar; more is told before the time', () => {
  const progress = new Progress(nowhere, { part: () => null, more: () => 'p50 1 ms', now: () => 0 });
  assert.equal(progress.line(), '0 records  0/s  p50 1 ms  0:00');
  progress.end();
});

test('a narrow terminal cuts the line before its last column; in the end the line is taken away', async () => {
  const drawn: string[] = [];
  const terminal = { columns: 10, write: (text: string) => void drawn.push(text) };
  const line = new StatusLine(terminal, () => '0123456789');
  await until('it was drawn', () => drawn.length > 0);
  line.end();
  assert.deepEqual([drawn[0], drawn.at(-1)], ['\r\u001b[2K012345678', '\r\u001b[2K']);
});
