// Files that no crash leaves, but a person, another program or a failing disk may. Found by `npm run fuzz -- --target files`.
import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { crc32c } from '@node-rs/crc32';
import { batchesOf, NodeDisk } from '../../../src/log/index.ts';
import { openLog } from '../../../src/log/open-log.ts';
import { withCrc } from '../../../src/log/small-file.ts';
import {
  appendMany,
  assertBytes,
  freshLog,
  hold,
  neverRoom,
  openOn,
  readAll,
} from '../../support/log-fixture.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';

const STATE = '/data/state';
const GROWN_BYTES = 2 ** 33;

async function openIn(directory: string) {
  return await openLog({
    disk: new NodeDisk(),
    directory,
    randomUuid: () => `uid-${Math.random()}`,
    onFatal: (error) => {
      throw error;
    },
    waitForRoom: neverRoom,
  });
}

test('a file that has grown by gigabytes is damage, not the end of the process: Node aborts at such a read', async (t) => {
  for (const [name, reason] of [
    ['state', /the state file is damaged/],
    ['log/leader-epoch-checkpoint', /the leader-epoch checkpoint cannot be read/],
  ] as const) {
    const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-grown-'));
    t.after(() => rm(directory, { recursive: true }));
    const { log } = await openIn(directory);
    await log.close();
    await truncate(join(directory, name), GROWN_BYTES);
    const again = await openIn(directory);
    assert.match(again.recovered.quarantine?.reason ?? '', reason);
    await again.log.close();
  }
});

test('a batch that stands twice in a sealed segment is not served twice: the read fails', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 30, 3000);
  await log.close();
  const path = '/data/log/00000000000000000000.log';
  const all = [...batchesOf(disk.content(path))].map(({ bytes }) => bytes);
  disk.overwrite(path, Buffer.concat([...all.slice(0, 5), all[4] as Buffer, ...all.slice(5)]));
  const { log: again, recovered } = await openOn(disk, { recentBytes: 0 });
  assert.equal(recovered.quarantine, null, 'sealed segments are not read through at start');
  assertBytes(await again.read(0, { maxBytes: 10_000, below: 3 }), batches.slice(0, 3));
  await assert.rejects(again.read(3, { maxBytes: 30_000, below: again.end }), { code: 'log-damaged' });
});

test('a log that begins above what was synced is damaged: it would claim offsets that it never had', async () => {
  for (const name of ['00000000000000000100', '99999999999999999999']) {
    const { log, disk } = await freshLog();
    await log.close();
    await disk.rename('/data/log/00000000000000000000.log', `/data/log/${name}.log`);
    const { log: again, recovered } = await openOn(disk);
    assert.match(recovered.quarantine?.reason ?? '', /the log begins at \d+, but/);
    assert.deepEqual([again.first, again.end], [0, 0]);
  }
});

test('a state file with a right CRC over what is no state is damaged', async () => {
  for (const text of ['null', '5', '"x"', '[]', '{', '{"uid":"u","promisedEpoch":-1}']) {
    const { log, disk } = await freshLog();
    await log.close();
    const copy = Buffer.alloc(4096, '\n');
    copy.write(`${text}\n${crc32c(text)}\n`);
    disk.overwrite(STATE, Buffer.concat([copy, copy]));
    const { recovered } = await openOn(disk);
    assert.equal(recovered.quarantine?.reason, 'the state file is damaged', text);
  }
});

test('a state file of another length is laid out anew from the copy that is whole', async () => {
  for (const missing of [1, 100, 4000]) {
    const { log, disk, state } = await freshLog();
    const promised = {
      promisedEpoch: 4,
      promisedIncarnation: 'i',
      members: [],
      membersVersion: { epoch: 0, revision: 0 },
    };
    await state.save(promised);
    await log.close();
    disk.overwrite(STATE, disk.content(STATE).subarray(0, -missing));
    const again = await openOn(disk);
    assert.equal(again.log.uid, log.uid);
    assert.deepEqual(again.state.value, promised);
    await again.state.save({ ...promised, promisedEpoch: 5 });
    await again.log.close();
    // The first copy is lost: the second is whole, where it belongs.
    disk.overwrite(STATE, Buffer.concat([Buffer.alloc(4096), disk.content(STATE).subarray(4096)]));
    assert.equal((await openOn(disk)).state.value.promisedEpoch, 5);
  }
});

test('a staged reset that nobody can have asked for is damage', async () => {
  const { log, disk } = await freshLog();
  const batches = appendMany(log, 2);
  await log.close();
  const bodies = [
    Buffer.alloc(12),
    Buffer.concat([Buffer.alloc(8, 0xff), Buffer.from([0, 0, 0, 4]), Buffer.from('0\n0\n')]),
  ];
  for (const body of bodies) {
    const copy = new MemoryDisk();
    for (const name of disk.names('/data/log')) {
      await copy.makeDirectory('/data/log');
      await (await copy.open(`/data/log/${name}`, 'create')).write([disk.content(`/data/log/${name}`)], 0);
    }
    await (await copy.open(STATE, 'create')).write([disk.content(STATE)], 0);
    await (await copy.open('/data/log/reset', 'create')).write([withCrc(body)], 0);
    const { recovered } = await openOn(copy);
    assert.match(recovered.quarantine?.reason ?? '', /the staged reset/);
  }
  assertBytes(await readAll((await openOn(disk)).log), batches);
});

test('a sealed segment that was cut short is damage, not an answer without a record', async () => {
  const { log, disk } = await freshLog({ recentBytes: 0 });
  const batches = appendMany(log, 30, 3000);
  await log.sync();
  const path = '/data/log/00000000000000000000.log';
  disk.overwrite(path, disk.content(path).subarray(0, 4 * (batches[0] as Buffer).length + 100));
  assertBytes(await log.read(3, { maxBytes: 1, below: log.end }), batches.slice(3, 4));
  await assert.rejects(log.read(4, { maxBytes: 1, below: log.end }), { code: 'log-damaged' });
});

test('a first segment that is missing is damage, unless it was removed', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 30, 8000);
  await log.sync();
  await log.deleteBelow(8);
  await log.close();
  const { log: again, recovered } = await openOn(disk);
  assert.deepEqual([again.first, recovered.quarantine], [8, null]);
  await again.close();
  await disk.remove('/data/log/00000000000000000008.log');
  assert.match(
    (await openOn(disk)).recovered.quarantine?.reason ?? '',
    /the log begins at 16, but the segments from 8 on were not removed/,
  );
});

test('a first segment that comes back after a crash is no damage, with one slot of the mark lost too', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 30, 8000);
  await log.sync();
  const removal = hold(disk, 'remove', '.log');
  void log.deleteBelow(16);
  await removal.arrived;
  disk.crash({ random: () => 0, keeps: 'none' });
  const back = await openOn(disk);
  assert.deepEqual([back.log.first, back.recovered.quarantine], [0, null]);
  await back.log.deleteBelow(16);
  disk.crash({ random: () => 0, keeps: 'none' });
  const mark = disk.content('/data/log/recovery-mark');
  for (const at of [0, 4096]) {
    const copy = Buffer.from(mark);
    copy.fill(0, at, at + 48);
    disk.overwrite('/data/log/recovery-mark', copy);
    const { log: again, recovered } = await openOn(disk);
    assert.deepEqual([again.first, recovered.quarantine], [16, null]);
    disk.kill();
  }
});

test('a mark of an older logger does not say where the log begins, and opens', async () => {
  const { log, disk } = await freshLog();
  appendMany(log, 30, 8000);
  await log.close();
  const mark = Buffer.from(disk.content('/data/log/recovery-mark'));
  for (const at of [0, 4096]) mark.fill(0, at + 48, at + 60);
  disk.overwrite('/data/log/recovery-mark', mark);
  await disk.remove('/data/log/00000000000000000000.log');
  const { log: again, recovered } = await openOn(disk);
  assert.deepEqual([again.first, recovered.quarantine], [8, null]);
  await again.close();
  await disk.remove('/data/log/00000000000000000008.log');
  assert.notEqual((await openOn(disk)).recovered.quarantine, null, 'from now on it does');
});
