// The comparison of the last batch that both ends of a stream have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceFrom, sharedBatch } from '../../../src/logger/driver/shared-batch.ts';
import type { State } from '../../../src/replica/index.ts';
import { appendMany, freshLog } from '../../support/log-fixture.ts';

const receiving = (phase: string, stream = 4) => ({ receiver: { stream, phase } }) as unknown as State;

test('the batch that ends at an offset is told by its CRC; none where no batch ends, or below the first one', async () => {
  const { log } = await freshLog();
  appendMany(log, 2);
  const shared = await sharedBatch(log, log.end);
  const [batch] = await log.read(log.end - 1, { maxBytes: 1, below: log.end });
  assert.deepEqual(shared, { end: log.end, crc: batch?.readUInt32BE(17) });
  assert.equal(await sharedBatch(log, 0), null);
  assert.equal(await sharedBatch(log, log.end + 1), null);
});

test('another CRC at the same place is a difference, but only for the stream that is being received', async () => {
  const { log } = await freshLog();
  appendMany(log, 2);
  const own = await sharedBatch(log, log.end);
  assert.ok(own);
  const theirs = { ...own, crc: own.crc ^ 1 };
  assert.equal(await differenceFrom(log, receiving('ready'), 4, own), null);
  assert.match((await differenceFrom(log, receiving('ready'), 4, theirs)) ?? '', /the batch that ends at/);
  assert.equal(await differenceFrom(log, receiving('matching'), 4, theirs), null);
  assert.equal(await differenceFrom(log, receiving('ready'), 5, theirs), null);
  assert.equal(await differenceFrom(log, receiving('ready'), 4, { ...theirs, end: own.end + 3 }), null);
});
