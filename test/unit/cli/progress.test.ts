import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../../src/cli/progress.ts';

const nowhere = { columns: 80, write: () => {} };

test('how much of all, how many, how fast, how long', () => {
  let nowMs = 1000;
  const progress = new Progress(nowhere, 1000, () => nowMs);
  assert.equal(progress.line(80), '[........................]   0 %  0 records  0/s  0:00');
  progress.advance({ records: 2400, bytes: 500 });
  nowMs += 2000;
  assert.equal(progress.line(80), '[############............]  50 %  2,400 records  1,200/s  0:02');
  nowMs += 70_000;
  assert.equal(progress.line(80), '[############............]  50 %  2,400 records  0/s  1:12');
  progress.end();
});

test('without a known total there is no bar; a narrow terminal cuts the line before its last column', () => {
  const progress = new Progress(nowhere, null, () => 0);
  assert.equal(progress.line(80), '0 records  0/s  0:00');
  assert.equal(progress.line(10), '0 records');
  progress.end();
});
