// Segments roll at any size of segment and batch that the configuration allows, on the real disk: what is appended is read
// back byte for byte, before and after a restart. A failure prints the seed that replays it: SEED=… node --test <this file>.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Log, NodeDisk, openLog } from '../../../src/log/index.ts';
import { assertBytes, neverRoom, nextBatch, PROMISE, readAll } from '../../support/log-fixture.ts';
import { Random } from '../../support/random.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** The index of a segment has an entry about every so many bytes: batch sizes around it matter. */
const INDEX_INTERVAL_BYTES = 4 * KiB;
/** The smallest that the configuration allows, so that a run rolls often. */
const SEGMENT_MIN_BYTES = MiB;
const RUN_BYTES = 12 * MiB;
const SEEDS = process.env.SEED ? [Number(process.env.SEED)] : [1, 2, 3, 4, 5, randomInt(2 ** 31)];

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-rolls-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

async function open(directory: string, segmentSizeBytes: number): Promise<Log> {
  const { log, recovered, state } = await openLog({
    disk: new NodeDisk(),
    directory,
    randomUuid: () => 'uid',
    onFatal: (error) => {
      throw error;
    },
    waitForRoom: neverRoom,
    recentBytes: 64 * KiB,
    segmentSizeBytes,
  });
  assert.equal(recovered.quarantine, null);
  if (recovered.created) {
    await state.save(PROMISE);
    await log.addPair({ epoch: 1, start: 0 });
  }
  return log;
}

function append(log: Log, valueSizes: readonly number[]): Buffer {
  const batch = nextBatch(log, { values: valueSizes.map((size) => `${log.end} `.padEnd(size, '.')) });
  log.append([batch]);
  return batch;
}

test('a segment whose batches all begin in its first 4096 bytes has an index without entries', async (t) => {
  const directory = await directoryOf(t);
  const log = await open(directory, 2 * MiB);
  const batches = [0, 1, 2, 3].map(() => append(log, [700_000, 700_000]));
  await log.sync();
  assert.equal(log.segmentCount, 4);
  assertBytes(await readAll(log), batches);
  await log.close();
  const again = await open(directory, 2 * MiB);
  assertBytes(await readAll(again), batches);
  await again.close();
});

/** The sizes of one batch's values, out of the classes at whose bounds something else happens. */
function valueSizes(random: Random, segmentSizeBytes: number): number[] {
  const around = (size: number): number => Math.max(0, size - 100 + random.below(200));
  const size = random.pick([
    0,
    random.below(100),
    around(INDEX_INTERVAL_BYTES),
    around(32 * KiB),
    around(MiB),
    around(segmentSizeBytes / 2),
    around(segmentSizeBytes),
    segmentSizeBytes + random.below(segmentSizeBytes),
  ]);
  const count = size < INDEX_INTERVAL_BYTES ? 1 + random.below(50) : 1 + random.below(2);
  return Array.from({ length: count }, () => Math.floor(size / count));
}

for (const seed of SEEDS) {
  test(`every mix of batch and segment size rolls (seed ${seed})`, async (t) => {
    const random = new Random(seed);
    const segmentSizeBytes = SEGMENT_MIN_BYTES + random.pick([0, 1, random.below(2 * MiB)]);
    const directory = await directoryOf(t);
    let log = await open(directory, segmentSizeBytes);
    let batches: Buffer[] = [];
    for (let written = 0; written < RUN_BYTES; ) {
      const batch = append(log, valueSizes(random, segmentSizeBytes));
      batches.push(batch);
      written += batch.length;
      if (random.chance(0.2)) await log.sync();
      if (random.chance(0.05)) {
        batches = batches.slice(0, -random.below(Math.min(5, batches.length)) || undefined);
        const last = batches.at(-1) as Buffer;
        await log.truncate(Number(last.readBigInt64BE(0)) + last.readInt32BE(23) + 1);
      }
      if (random.chance(0.05)) {
        await log.close();
        log = await open(directory, segmentSizeBytes);
      }
    }
    await log.sync();
    assert.ok(log.segmentCount > 2, `${log.segmentCount} segments`);
    assertBytes(await readAll(log), batches);
    await log.close();
    const again = await open(directory, segmentSizeBytes);
    assertBytes(await readAll(again), batches);
    await again.close();
  });
}
