// Good data directories, made by the log itself, and what is known to be true of each: the bytes of every batch by offset, the
// pairs, and how far the recovery mark vouches.
import { type EpochPair, type OpenedLog, readHeader } from '../../../../src/log/index.ts';
import { appendMany, freshLog, nextBatch, PROMISE } from '../../../support/log-fixture.ts';
import type { MemoryDisk } from '../../../support/memory-disk.ts';

export const SEGMENT_SIZE_BYTES = 12 * 1024;
const DIRECTORY = '/data';

export interface GoodDirectory {
  readonly name: string;
  /** By their paths in the data directory. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly uid: string;
  readonly batches: ReadonlyMap<number, Buffer>;
  readonly pairs: readonly EpochPair[];
  /** What lies below was vouched for, by both slots of the recovery mark or by the newest alone. */
  readonly synced: { readonly both: number; readonly newest: number };
  readonly promisedEpochs: readonly number[];
  /** Where a staged reset begins anew; null without one. */
  readonly resetFirst: number | null;
}

type Made = OpenedLog & { readonly disk: MemoryDisk; readonly batches: Map<number, Buffer> };

const OPTIONS = { segmentSizeBytes: SEGMENT_SIZE_BYTES, recentBytes: 2048 };

function filesOf(disk: MemoryDisk): Map<string, Buffer> {
  const paths = [
    ...disk.names(DIRECTORY).filter((name) => name !== 'log'),
    ...disk.names(`${DIRECTORY}/log`).map((name) => `log/${name}`),
  ];
  return new Map(paths.map((path) => [path, Buffer.from(disk.content(`${DIRECTORY}/${path}`))]));
}

/** Three epochs, batches of several sizes with and without producers, over some segments. */
async function written(): Promise<Made> {
  const made = await freshLog(OPTIONS);
  const { log } = made;
  const batches = new Map<number, Buffer>();
  const append = (batch: Buffer): void => {
    batches.set(readHeader(batch, 0).baseOffset, batch);
    log.append([batch]);
  };
  const sequences = [0, 0];
  for (let round = 0; round < 54; round += 1) {
    if (round === 18 || round === 36) await log.addPair({ epoch: 1 + round / 9, start: log.end });
    const values = Array.from({ length: 1 + (round % 4) }, (_, at) =>
      `${round}/${at} `.padEnd(40 * (1 + (round % 9)), '.'),
    );
    const who = round % 3;
    const sequence = sequences[who];
    if (sequence === undefined) append(nextBatch(log, { values }));
    else {
      append(nextBatch(log, { values, producer: { id: BigInt(who + 7), epoch: 1, sequence } }));
      sequences[who] = sequence + values.length;
    }
    await log.sync();
    if (round % 9 === 8) {
      log.noteCommit(log.end - 2);
      await log.saveMark();
    }
  }
  await made.state.save({
    promisedEpoch: 9,
    promisedIncarnation: 'an-incarnation',
    members: [{ id: 'logger-0', uid: log.uid, peer: '127.0.0.1:1' }],
    membersVersion: { epoch: 2, revision: 3 },
  });
  return { ...made, batches };
}

function goodOf(name: string, made: Made, about: Partial<GoodDirectory> = {}): GoodDirectory {
  const { log, disk, batches } = made;
  return {
    name,
    files: filesOf(disk),
    uid: log.uid,
    batches,
    pairs: [...log.pairs],
    synced: { both: 0, newest: 0 },
    promisedEpochs: [0, 9, PROMISE.promisedEpoch],
    resetFirst: null,
    ...about,
  };
}

async function closed(): Promise<GoodDirectory> {
  const made = await written();
  await made.log.saveMark();
  const both = made.log.end;
  await made.log.addPair({ epoch: 9, start: made.log.end });
  await made.log.close();
  return goodOf('closed', made, { synced: { both, newest: made.log.end } });
}

/** The process was killed: the end is on the disk, and the mark does not know it yet. */
async function killed(): Promise<GoodDirectory> {
  const made = await written();
  await made.log.saveMark();
  const both = made.log.end;
  for (const batch of appendMany(made.log, 5, 90)) made.batches.set(readHeader(batch, 0).baseOffset, batch);
  await made.log.sync();
  await made.log.saveMark();
  const newest = made.log.end;
  for (const batch of appendMany(made.log, 9, 220)) made.batches.set(readHeader(batch, 0).baseOffset, batch);
  await made.log.sync();
  return goodOf('killed', made, { synced: { both, newest } });
}

async function retained(): Promise<GoodDirectory> {
  const made = await written();
  made.log.noteCommit(made.log.end);
  await made.log.deleteBelow(made.log.end - 40);
  await made.log.saveMark();
  await made.log.close();
  for (const offset of made.batches.keys()) if (offset < made.log.first) made.batches.delete(offset);
  return goodOf('retained', made, { synced: { both: made.log.first, newest: made.log.end } });
}

async function empty(): Promise<GoodDirectory> {
  const made = await freshLog(OPTIONS);
  await made.log.close();
  return goodOf('empty', { ...made, batches: new Map() }, { promisedEpochs: [0, PROMISE.promisedEpoch] });
}

/** A start elsewhere that a crash interrupted after so many operations. */
async function resetting(operations: number): Promise<GoodDirectory> {
  const source = await written();
  const made = await written();
  const first = made.log.end + 100;
  for (const batch of appendMany(source.log, 100)) source.batches.set(readHeader(batch, 0).baseOffset, batch);
  const producers = await source.log.producersAt(first);
  made.disk.stopAt = made.disk.operations + operations;
  void made.log.reset(
    first,
    [
      { epoch: 1, start: 0 },
      { epoch: 6, start: first },
    ],
    producers,
  );
  while (!made.disk.stopped) await new Promise(setImmediate);
  return goodOf(`resetting-${operations}`, made, { resetFirst: first });
}

/** Operations after which a reset is interrupted: its marker is written by then, and it is not done. */
const RESET_STOPS = [8, 11, 14, 20, 26];

export async function goodDirectories(): Promise<GoodDirectory[]> {
  const made = [await closed(), await killed(), await retained(), await empty()];
  for (const stop of RESET_STOPS) made.push(await resetting(stop));
  return made;
}
