// How far behind a follower is in bytes: exact to an index entry in the segment that grows, in proportion in the others.
import assert from 'node:assert/strict';
import test from 'node:test';
import { appendMany, freshLog } from '../../support/log-fixture.ts';

/** Every batch of the fixture has one record of the same size, larger than the distance of two index entries. */
const RECORD_BYTES = 8000;
const INDEX_INTERVAL_BYTES = 4096;

test('bytes from an offset to the end, in every segment', async () => {
  const { log } = await freshLog();
  appendMany(log, 40, RECORD_BYTES);
  await log.sync();
  assert.equal(log.segmentCount, 5);
  const perRecord = log.sizeBytes / 40;
  for (let offset = 0; offset <= 40; offset += 1) {
    const exact = (40 - offset) * perRecord;
    const told = log.bytesFrom(offset);
    assert.ok(
      told >= exact && told - exact <= perRecord + INDEX_INTERVAL_BYTES,
      `${offset}: ${told} for ${exact}`,
    );
  }
  assert.equal(log.bytesFrom(40), 0);
  assert.equal(log.bytesFrom(0), log.sizeBytes);
});

test('an offset outside the log counts as the nearest inside', async () => {
  const { log } = await freshLog();
  assert.equal(log.bytesFrom(0), 0);
  appendMany(log, 3, RECORD_BYTES);
  assert.equal(log.bytesFrom(-1), log.sizeBytes);
  assert.equal(log.bytesFrom(7), 0);
});
