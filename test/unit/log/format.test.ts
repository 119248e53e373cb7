// The files are what docs/reference/on-disk-format.md says, read here by hand: a change of a format must be a decision.
import assert from 'node:assert/strict';
import test from 'node:test';
import { crc32c } from '@node-rs/crc32';
import { appendMany, freshLog, nextBatch, openOn } from '../../support/log-fixture.ts';

const CHECKPOINT = '0\n2\n1 0\n3 10\n';

/** Two segments: eight batches of a producer and two without, a pair, and records of epoch 3. */
async function written() {
  const { log, disk, state } = await freshLog();
  const batches: Buffer[] = [];
  for (let sequence = 0; sequence < 8; sequence += 1) {
    const producer = { id: 77n, epoch: 2, sequence };
    batches.push(nextBatch(log, { values: ['x'.repeat(8000)], timestampMs: 1000 + sequence, producer }));
    log.append(batches.slice(-1));
  }
  appendMany(log, 2, 8000);
  await log.addPair({ epoch: 3, start: 10 });
  log.noteCommit(9);
  await state.save({
    promisedEpoch: 3,
    promisedIncarnation: 'abc',
    members: [{ id: 'a', uid: 'u', peer: 'h:1' }],
    membersVersion: { epoch: 2, revision: 4 },
  });
  await log.close();
  return { log, disk, batches };
}

test('names', async () => {
  const { disk } = await written();
  assert.deepEqual(disk.names('/data'), ['log', 'state']);
  assert.deepEqual(disk.names('/data/log'), [
    '00000000000000000000.index',
    '00000000000000000000.log',
    '00000000000000000008.log',
    '00000000000000000008.producers',
    'leader-epoch-checkpoint',
    'recovery-mark',
  ]);
});

test('the checkpoint and the state', async () => {
  const { disk, log } = await written();
  assert.equal(disk.content('/data/log/leader-epoch-checkpoint').toString(), CHECKPOINT);
  const state = disk.content('/data/state');
  assert.equal(state.length, 2 * 4096);
  for (const at of [0, 4096]) {
    const [json = '', crc, rest] = state.toString('utf8', at, at + 4096).split('\n', 3);
    assert.deepEqual(JSON.parse(json), {
      uid: log.uid,
      promisedEpoch: 3,
      promisedIncarnation: 'abc',
      members: [{ id: 'a', uid: 'u', peer: 'h:1' }],
      membersVersion: { epoch: 2, revision: 4 },
    });
    assert.deepEqual([crc, rest], [String(crc32c(json)), '']);
  }
});

test('the recovery mark', async () => {
  const { log, disk } = await written();
  const pending = { epoch: 9, start: 10 };
  const opened = await openOn(disk);
  assert.deepEqual([log.end, opened.log.end], [10, 10]);
  await opened.log.addPair(pending);
  disk.kill();
  const mark = disk.content('/data/log/recovery-mark');
  assert.equal(mark.length, 4096 + 60);
  const slots = [0, 4096].map((at) => {
    const slot = mark.subarray(at, at + 60);
    assert.equal(slot.readUInt32BE(56), crc32c(slot.subarray(0, 56)));
    assert.equal(slot.readUInt32BE(44), crc32c(slot.subarray(0, 44)));
    assert.equal(Number(slot.readBigUInt64BE(0)) % 2, at / 4096);
    return {
      number: Number(slot.readBigUInt64BE(0)),
      synced: Number(slot.readBigUInt64BE(8)),
      commit: Number(slot.readBigUInt64BE(16)),
      pairsCrc: slot.readUInt32BE(24),
      pending: { epoch: Number(slot.readBigUInt64BE(28)), start: Number(slot.readBigUInt64BE(36)) },
      first: Number(slot.readBigUInt64BE(48)),
    };
  });
  const newest = slots.toSorted((one, other) => other.number - one.number)[0];
  assert.deepEqual(
    { ...newest, number: 0 },
    { number: 0, synced: 10, commit: 9, pairsCrc: crc32c(CHECKPOINT), pending, first: 0 },
  );
});

test('the producer table', async () => {
  const { disk, batches } = await written();
  const bytes = disk.content('/data/log/00000000000000000008.producers');
  assert.equal(bytes.length, 16 + 21 + 5 * 24 + 4);
  assert.equal(bytes.readUInt32BE(bytes.length - 4), crc32c(bytes.subarray(0, -4)));
  assert.equal(bytes.readUInt32BE(0), 1, 'version');
  assert.equal(bytes.readBigUInt64BE(4), 8n, 'offset');
  assert.equal(bytes.readUInt32BE(12), 1, 'producers');
  assert.equal(bytes.readBigInt64BE(16), 77n, 'id');
  assert.equal(bytes.readUInt32BE(24), 2, 'epoch');
  assert.equal(bytes.readBigUInt64BE(28), 1007n, 'timestamp of its last batch');
  assert.equal(bytes.readUInt8(36), 5, 'batches');
  for (const [index, sequence] of [3, 4, 5, 6, 7].entries()) {
    const at = 37 + index * 24;
    assert.equal(bytes.readUInt32BE(at), sequence);
    assert.equal(bytes.readUInt32BE(at + 4), 1, 'records');
    assert.equal(bytes.readBigUInt64BE(at + 8), BigInt(sequence), 'offset');
    assert.equal(bytes.readUInt32BE(at + 16), crc32c((batches[sequence] as Buffer).subarray(61)));
    assert.equal(bytes.readUInt32BE(at + 20), 1, 'epoch of the log');
  }
});
