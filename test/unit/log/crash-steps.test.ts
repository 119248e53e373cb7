// Each change of a log, with the machine stopping at every single operation of it, and losing what was not synced in
// several ways. Whatever is left, the log comes up: as it was before or as it was to be, and never in quarantine.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Log, OpenedLog } from '../../../src/log/index.ts';
import * as fixture from '../../support/log-fixture.ts';
import { MemoryDisk, type Survival } from '../../support/memory-disk.ts';
import { Random } from '../../support/random.ts';

const { appendMany, assertBytes, endsBeforeStop, nextBatch, readAll } = fixture;
/** Eight batches of appendMany with BATCH_BYTES. */
const SMALL = { segmentSizeBytes: 2200 };
const BATCH_BYTES = 200;
const freshLog = () => fixture.freshLog(SMALL);
const openOn = (disk: MemoryDisk) => fixture.openOn(disk, SMALL);

type Opened = OpenedLog & { readonly disk: MemoryDisk };

interface Scenario {
  readonly prepare: (opened: OpenedLog) => Promise<void>;
  readonly change: (opened: Opened) => Promise<unknown>;
  /** `done`: the change had ended before the crash. */
  readonly check: (after: OpenedLog, done: boolean) => Promise<void> | void;
}

const PAIRS = [
  { epoch: 1, start: 0 },
  { epoch: 2, start: 10 },
  { epoch: 3, start: 20 },
];

/** Twenty-five batches in epochs 1 to 3: segments begin at 0, 8, 16 and 24; records below 5 are committed. */
async function threeEpochs({ log }: Pick<OpenedLog, 'log'>): Promise<void> {
  appendMany(log, 10, BATCH_BYTES);
  await log.addPair({ epoch: 2, start: 10 });
  appendMany(log, 10, BATCH_BYTES);
  await log.addPair({ epoch: 3, start: 20 });
  appendMany(log, 5, BATCH_BYTES);
  await log.sync();
  log.noteCommit(5);
  await log.saveMark();
}

/** All bytes of a log as `threeEpochs` makes it, from an offset on. */
async function expectedFrom(offset: number): Promise<Buffer> {
  const whole = await freshLog();
  await threeEpochs(whole);
  return await readAll(whole.log, offset);
}
const EXPECTED = await expectedFrom(0);

async function assertPrefix(log: Log, least: number): Promise<void> {
  assert.ok(log.end >= least, `${log.end} of at least ${least} records`);
  const actual = await readAll(log);
  assertBytes(actual, EXPECTED.subarray(0, actual.length));
  assert.equal(log.storedCommit, 5);
}

const scenarios: Record<string, Scenario> = {
  'appends over a roll': {
    prepare: async () => {},
    change: threeEpochs,
    check: async ({ log }, done) => {
      const actual = await readAll(log);
      assertBytes(actual, EXPECTED.subarray(0, actual.length));
      for (const { epoch, start } of log.pairs) assert.equal(PAIRS[epoch - 1]?.start, start);
      for (const { epoch, start } of log.pairs)
        if (epoch > 1) assert.ok(log.end >= start, 'the log before its pair');
      if (done) assert.equal(log.end, 25);
    },
  },
  'a cut of two segments and two pairs': {
    prepare: threeEpochs,
    change: ({ log }) => log.truncate(9),
    check: async ({ log }, done) => {
      await assertPrefix(log, 9);
      if (done) assert.equal(log.end, 9);
      const expected = PAIRS.filter(({ start }) => start <= log.end);
      // The log goes before the pairs, so a pair may be left over at the very end, but none beyond, and none is missing.
      assert.deepEqual(log.pairs, expected);
    },
  },
  'a cut within a segment': {
    prepare: threeEpochs,
    change: ({ log }) => log.truncate(24),
    check: async ({ log }, done) => {
      await assertPrefix(log, 24);
      if (done) assert.equal(log.end, 24);
      assert.deepEqual(log.pairs, PAIRS);
    },
  },
  'a pair': {
    prepare: async (opened) => {
      await threeEpochs(opened);
      appendMany(opened.log, 1);
    },
    change: ({ log }) => log.addPair({ epoch: 7, start: 26 }),
    check: ({ log }, done) => {
      assert.ok(log.position.epoch === 3 || log.end === 26, 'the log before its pair');
      if (done) assert.deepEqual(log.position, { epoch: 7, end: 26 });
    },
  },
  'a pair cut off': {
    prepare: async (opened) => {
      await threeEpochs(opened);
      await opened.log.addPair({ epoch: 7, start: 25 });
      await opened.log.addPair({ epoch: 8, start: 25 });
    },
    change: ({ log }) => log.cutPairsAbove(7),
    check: ({ log }, done) => {
      assert.equal(log.end, 25);
      assert.ok([7, 8].includes(log.position.epoch));
      if (done) assert.equal(log.position.epoch, 7);
    },
  },
  'a deletion of old segments and pairs': {
    prepare: async (opened) => {
      await threeEpochs(opened);
      opened.log.noteCommit(20);
      await opened.log.saveMark();
    },
    change: ({ log }) => log.deleteBelow(24),
    check: async ({ log }, done) => {
      assert.ok([0, 8, 16, 24].includes(log.first));
      assert.equal(log.end, 25);
      assertBytes(await readAll(log), await expectedFrom(log.first));
      if (done) assert.deepEqual([log.first, log.pairs], [24, PAIRS.slice(2)]);
    },
  },
  'a start anew elsewhere': {
    prepare: threeEpochs,
    change: ({ log }) => log.reset(1000, [{ epoch: 9, start: 900 }], TABLE_AT_1000),
    check: async ({ log }, done) => {
      if (log.first === 0) {
        await assertPrefix(log, 25);
        assert.equal(done, false);
        return;
      }
      assert.deepEqual([log.first, log.position], [1000, { epoch: 9, end: 1000 }]);
      assert.deepEqual(log.producer(5n), { id: 5n, epoch: 0, lastSequence: 0, lastOffset: 999 });
    },
  },
  'a pair that finds no room, twice': {
    prepare: async (opened) => {
      await threeEpochs(opened);
      // Two slots of the mark that know no other checkpoint than the present one.
      for (const commit of [6, 7]) {
        opened.log.noteCommit(commit);
        await opened.log.saveMark();
      }
    },
    change: async ({ log, disk }) => {
      disk.capacityBytes = disk.usedBytes;
      // The mark has room for one; for another the checkpoint must be exchanged.
      await log.addPair({ epoch: 7, start: 25 });
      for (const epoch of [8, 9])
        await assert.rejects(log.addPair({ epoch, start: 25 }), { code: 'disk-full' });
    },
    check: ({ log }, done) => {
      const all = [...PAIRS, { epoch: 7, start: 25 }];
      assert.deepEqual(log.pairs, done || log.pairs.length > 3 ? all : PAIRS);
    },
  },
  'a pair that goes from the mark into the checkpoint': {
    prepare: async (opened) => {
      await threeEpochs(opened);
      await opened.log.addPair({ epoch: 7, start: 25 });
    },
    change: ({ log }) => log.saveMark(),
    check: ({ log }) => assert.deepEqual(log.pairs, [...PAIRS, { epoch: 7, start: 25 }]),
  },
  'a promise': {
    prepare: ({ state }) =>
      state.save({
        promisedEpoch: 1,
        promisedIncarnation: 'a',
        members: [],
        membersVersion: { epoch: 0, revision: 0 },
      }),
    change: ({ state }) =>
      state.save({
        promisedEpoch: 2,
        promisedIncarnation: 'b',
        members: [],
        membersVersion: { epoch: 0, revision: 0 },
      }),
    check: ({ state }, done) => {
      const { promisedEpoch, promisedIncarnation } = state.value;
      assert.ok(['1 a', '2 b'].includes(`${promisedEpoch} ${promisedIncarnation}`));
      if (done) assert.equal(promisedEpoch, 2);
    },
  },
  'a close': {
    prepare: async () => {},
    change: async ({ log }) => {
      appendMany(log, 3);
      await log.close();
    },
    check: ({ log }, done) => {
      if (done) assert.equal(log.end, 3);
    },
  },
};

const TABLE_AT_1000 = await (async () => {
  const { log } = await freshLog();
  log.append([nextBatch(log, { values: Array.from({ length: 999 }, () => 'x') })]);
  log.append([nextBatch(log, { producer: { id: 5n, epoch: 0, sequence: 0 } })]);
  return await log.producersAt(1000);
})();

function survivals(seed: number): (Survival | 'kill')[] {
  const random = new Random(seed);
  const next = (): number => random.next();
  return ['kill', ...(['none', 'prefix', 'any', 'any'] as const).map((keeps) => ({ random: next, keeps }))];
}

for (const [name, { prepare, change, check }] of Object.entries(scenarios)) {
  test(`${name}: every step may be the last`, async (t) => {
    let steps = 0;
    for (let done = false; !done; steps += 1) {
      for (const [index, survival] of survivals(steps).entries()) {
        const opened = await freshLog();
        const { disk, log } = opened;
        await prepare(opened);
        disk.stopAt = disk.operations + 1 + steps;
        done = await endsBeforeStop(disk, change(opened));
        disk.capacityBytes = Number.POSITIVE_INFINITY;
        if (survival === 'kill') disk.kill();
        else disk.crash(survival);
        const after = await openOn(disk);
        const where = `step ${steps}, survival ${index}`;
        assert.equal(after.recovered.quarantine, null, `${where}: ${after.recovered.quarantine?.reason}`);
        assert.equal(after.log.uid, log.uid);
        await check(after, done);
        // It goes on from there, and comes up the same once more, whatever is lost now.
        appendMany(after.log, 2);
        await after.log.sync();
        const content = await readAll(after.log);
        disk.crash({ random: () => 0, keeps: 'none' });
        const again = await openOn(disk);
        assert.equal(
          again.recovered.quarantine,
          null,
          `${where}, again: ${again.recovered.quarantine?.reason}`,
        );
        assertBytes(await readAll(again.log), content);
        assert.deepEqual(again.log.pairs, after.log.pairs);
      }
    }
    t.diagnostic(`${steps} steps`);
  });
}

/**
 * A sync fails, which ends the process; the next one finds in the page cache what the sync did not store, and relies on it.
 * Then the power goes.
 */
for (const [name, { prepare, change, check }] of Object.entries(scenarios)) {
  test(`${name}: every sync may fail, and what is found after it survives a loss of power`, async () => {
    for (let failing = 1, done = false; !done; failing += 1) {
      const opened = await fixture.freshLog({ ...SMALL, onFatal: () => {} });
      const { disk } = opened;
      await prepare(opened);
      let syncs = 0;
      disk.hooks.add(({ kind }) => {
        syncs += kind === 'datasync' || kind === 'syncDirectory' ? 1 : 0;
        if (syncs === failing) throw Object.assign(new Error('EIO: made to fail'), { code: 'EIO' });
      });
      await Promise.allSettled([change(opened)]);
      await fixture.settle();
      done = syncs < failing;
      disk.hooks.clear();
      disk.kill();
      disk.capacityBytes = Number.POSITIVE_INFINITY;
      const after = await openOn(disk);
      assert.equal(
        after.recovered.quarantine,
        null,
        `sync ${failing}: ${after.recovered.quarantine?.reason}`,
      );
      await check(after, done);
      const content = await readAll(after.log);
      appendMany(after.log, 2);
      await after.log.sync();
      const more = await readAll(after.log, after.log.end - 2);
      const found = { first: after.log.first, pairs: after.log.pairs, state: after.state.value };
      disk.crash({ random: () => 0, keeps: 'none' });
      const again = await openOn(disk);
      assert.equal(
        again.recovered.quarantine,
        null,
        `sync ${failing}: ${again.recovered.quarantine?.reason}`,
      );
      assertBytes(await readAll(again.log), [content, more]);
      assert.deepEqual(
        { first: again.log.first, pairs: again.log.pairs, state: again.state.value },
        found,
        `sync ${failing}`,
      );
    }
  });
}

test('a slot of the mark whose sync failed is stored before the other one is overwritten', async () => {
  const { prepare, change, check } = scenarios[
    'a pair that goes from the mark into the checkpoint'
  ] as Scenario;
  for (let run = 0, isUp = false; !isUp; run += 1) {
    const opened = await fixture.freshLog({ ...SMALL, onFatal: () => {} });
    const { disk } = opened;
    await prepare(opened);
    await fixture.settle();
    let marks = 0;
    disk.hooks.add(({ kind, path }) => {
      marks += kind === 'datasync' && path.endsWith('recovery-mark') ? 1 : 0;
      if (marks === 2) throw Object.assign(new Error('EIO: made to fail'), { code: 'EIO' });
    });
    await assert.rejects(change(opened) as Promise<unknown>);
    disk.hooks.clear();
    disk.kill();
    // Each step of the start may be the last one, with several ways to tear what it wrote.
    disk.stopAt = disk.operations + 1 + Math.floor(run / 8);
    isUp = await endsBeforeStop(disk, openOn(disk));
    const random = new Random(run);
    disk.crash({ random: () => random.next(), keeps: 'prefix' });
    const after = await openOn(disk);
    assert.equal(after.recovered.quarantine, null, `run ${run}: ${after.recovered.quarantine?.reason}`);
    await check(after, true);
  }
});

/** A crash during the recovery from a crash, which is when both hands of the recovery mark are full. */
for (const name of [
  'a pair',
  'a pair that goes from the mark into the checkpoint',
  'a cut of two segments and two pairs',
]) {
  test(`${name}: a second crash, while the log comes up`, async () => {
    const { prepare, change, check } = scenarios[name] as Scenario;
    for (let step = 1, done = false; !done; step += 1) {
      for (let second = 1, isUp = false; !isUp; second += 1) {
        const random = new Random(step * 1000 + second);
        const survival = { random: () => random.next(), keeps: 'prefix' } as const;
        const opened = await freshLog();
        const { disk } = opened;
        await prepare(opened);
        disk.stopAt = disk.operations + step;
        done = await endsBeforeStop(disk, change(opened));
        if (random.chance(0.5)) disk.kill();
        else disk.crash(survival);
        disk.stopAt = disk.operations + second;
        isUp = await endsBeforeStop(disk, openOn(disk));
        disk.crash(survival);
        const after = await openOn(disk);
        const where = `step ${step}, then step ${second}`;
        assert.equal(after.recovered.quarantine, null, `${where}: ${after.recovered.quarantine?.reason}`);
        await check(after, done);
      }
    }
  });
}

test('a directory that is being made: every step may be the last', async () => {
  for (let step = 1, done = false; !done; step += 1) {
    for (const survival of survivals(step)) {
      const disk = new MemoryDisk();
      disk.stopAt = step;
      done = await endsBeforeStop(disk, openOn(disk));
      if (survival === 'kill') disk.kill();
      else disk.crash(survival);
      const { log, recovered } = await openOn(disk);
      assert.equal(recovered.quarantine, null, `step ${step}: ${recovered.quarantine?.reason}`);
      assert.deepEqual([log.first, log.end, log.position.epoch], [0, 0, 0]);
    }
  }
});

test('a log that is being put aside: every step may be the last, and the old uid never comes back', async () => {
  for (let step = 1, done = false; !done; step += 1) {
    for (const survival of survivals(step)) {
      const opened = await freshLog();
      const { disk, log } = opened;
      await threeEpochs(opened);
      disk.kill();
      disk.flipBit('/data/log/00000000000000000024.log', 100);
      disk.stopAt = disk.operations + step;
      const put = openOn(disk);
      done = await endsBeforeStop(disk, put);
      if (survival === 'kill') disk.kill();
      else disk.crash(survival);
      const after = await openOn(disk);
      assert.notEqual(after.log.uid, log.uid, `step ${step}`);
      assert.deepEqual([after.log.first, after.log.end], [0, 0]);
      if (done) assert.equal((await put).log.uid, after.log.uid);
      const folders = disk.names('/data').filter((folder) => folder.startsWith('quarantine-'));
      assert.ok(folders.some((folder) => disk.names(`/data/${folder}`).includes('00000000000000000024.log')));
    }
  }
});
