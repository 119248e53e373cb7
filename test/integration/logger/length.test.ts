// The measurement of a log's length on a short one: that its offsets lead to the records asked for, before and after both starts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { length } from '../../bench/length.ts';

test('a log is filled, started again after a stop and after a crash, and read at both ends', async (t) => {
  const result = await length({ records: 2000, sizeBytes: 100, seconds: 1, sources: true });
  t.diagnostic(JSON.stringify(result));
  const { read, ...wrong } = result.readBack;
  assert.deepEqual(wrong, { lost: 0, twice: 0, outOfOrder: 0, damaged: 0 });
  assert.ok(read >= 2002, `${read} records`);
  for (const times of [result.append, result.readFirst, result.readAnywhere, result.readLast])
    assert.ok(times.p50Ms > 0);
});
