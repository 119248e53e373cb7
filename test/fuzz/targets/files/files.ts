// Data directories as a failing disk, a careless hand or another program leaves them, opened by the real recovery on the real
// file system. Either the log is what was written, up to some whole batch and at least to the recovery mark; or it is put in
// quarantine; or the error says which file and why. Whatever is read is what was written at that offset.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { LoggerError } from '../../../../src/errors.ts';
import { batchesOf, type DurableLog, NodeDisk, type OpenedLog, openLog } from '../../../../src/log/index.ts';
import { neverRoom, nextBatch } from '../../../support/log-fixture.ts';
import { type Rig, target } from '../../target.ts';
import {
  damageTree,
  type FileDamage,
  fileDamage,
  isForgery,
  type Node,
  type Tree,
  treeOf,
} from './damage.ts';
import { type GoodDirectory, goodDirectories, SEGMENT_SIZE_BYTES } from './directories.ts';

interface Case {
  readonly directory: number;
  readonly damages: readonly FileDamage[];
}

class Files implements Rig<Case> {
  readonly #root: string;
  readonly #good: readonly GoodDirectory[];
  #number = 0;

  constructor(root: string, good: readonly GoodDirectory[]) {
    this.#root = root;
    this.#good = good;
  }

  async run({ directory, damages }: Case): Promise<void> {
    const good = this.#good[directory % this.#good.length] as GoodDirectory;
    const tree = treeOf(good.files);
    for (const damage of damages) damageTree(tree, damage);
    this.#number += 1;
    const path = join(this.#root, String(this.#number));
    try {
      await writeTree(path, tree);
      await examine(path, good, damages);
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  }

  close(): Promise<void> {
    return rm(this.#root, { recursive: true, force: true });
  }
}

async function writeTree(root: string, tree: Tree): Promise<void> {
  await mkdir(join(root, 'log'), { recursive: true });
  for (const [name, node] of tree) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    await writeNode(path, node);
  }
}

async function writeNode(path: string, node: Node): Promise<void> {
  if (node.kind === 'directory') return void (await mkdir(path, { recursive: true }));
  await writeFile(path, node.kind === 'file' ? node.bytes : '');
  if (node.kind === 'file') await (node.sizeBytes !== undefined && truncate(path, node.sizeBytes));
  else await chmod(path, 0);
}

let uuids = 0;

async function open(directory: string): Promise<OpenedLog | Error> {
  try {
    return await openLog({
      disk: new NodeDisk(),
      directory,
      randomUuid: () => {
        uuids += 1;
        return `fresh-${uuids}`;
      },
      onFatal: (error) => {
        throw error;
      },
      waitForRoom: neverRoom,
      segmentSizeBytes: SEGMENT_SIZE_BYTES,
      recentBytes: 2048,
      reserveBytes: 0,
    });
  } catch (error) {
    return error as Error;
  }
}

async function examine(path: string, good: GoodDirectory, damages: readonly FileDamage[]): Promise<void> {
  const opened = await open(path);
  if (opened instanceof Error) {
    assertClear(opened);
    return;
  }
  const { log, recovered } = opened;
  try {
    const forged = damages.some(isForgery);
    if (recovered.quarantine !== null || recovered.created) assertNew(opened, good);
    else if (!forged) assertPrefix(opened, good);
    const read = await readWhole(log, recovered.quarantine === null && !forged ? good.batches : null);
    if (read) await goOn(path, opened);
  } finally {
    await log.close();
  }
}

/** An operator can do something with it: it has a code, or says what is damaged. */
function assertClear(error: Error): void {
  const code =
    (error as NodeJS.ErrnoException).code ?? (error.cause as NodeJS.ErrnoException | undefined)?.code;
  if (typeof code === 'string' && /^(E[A-Z]+|ERR_FS_EISDIR)$/.test(code)) return;
  throw new Error('opening fails with an error that tells nothing', { cause: error });
}

function assertNew({ log, state, recovered }: OpenedLog, good: GoodDirectory): void {
  assert.notEqual(log.uid, good.uid);
  assert.deepEqual([log.first, log.end, log.pairs.length], [0, 0, 0]);
  assert.equal(state.value.promisedEpoch, 0);
  if (recovered.quarantine !== null) assert.notEqual(recovered.quarantine.reason, '');
}

/** The identity, the pairs and the extent of what was written; records are compared as they are read. */
function assertPrefix({ log, state, recovered }: OpenedLog, good: GoodDirectory): void {
  assert.equal(log.uid, good.uid);
  assert.ok(good.promisedEpochs.includes(state.value.promisedEpoch), `promised ${state.value.promisedEpoch}`);
  if (recovered.resumedReset) {
    assert.deepEqual([log.first, log.end], [good.resetFirst, good.resetFirst]);
    return;
  }
  const ends = [...good.batches].map(([base, batch]) => base + batch.readInt32BE(57));
  const end = Math.max(0, ...ends);
  assert.ok(log.end <= end, `it ends at ${log.end}, beyond ${end}`);
  assert.ok(log.end >= good.synced.both, `it ends at ${log.end}, but ${good.synced.both} was synced`);
  assert.ok([0, ...good.batches.keys(), end].includes(log.first), `it begins at ${log.first}`);
  assert.ok(log.end === 0 || ends.includes(log.end), `it ends at ${log.end}, inside a batch`);
  const pairs = good.pairs.filter(({ start }) => start <= log.end);
  assert.deepEqual(log.pairs, pairs);
}

/**
 * Reads everything, compares it with what was written (null: only that it can be read), and tells whether all could be read:
 * damage in a sealed segment is found only here.
 */
async function readWhole(log: DurableLog, truth: ReadonlyMap<number, Buffer> | null): Promise<boolean> {
  let readable = true;
  for (let offset = log.first; offset < log.end; ) {
    try {
      const buffers = await log.read(offset, { maxBytes: 4096, below: log.end });
      assert.ok(buffers.length > 0 && buffers.some(({ length }) => length > 0), `nothing at ${offset}`);
      for (const { header, bytes } of buffers.flatMap((buffer) => [...batchesOf(buffer)])) {
        const { baseOffset, count } = header;
        assert.ok(
          baseOffset <= offset && offset < baseOffset + count,
          `asked for ${offset}, got ${baseOffset}`,
        );
        if (truth !== null) assert.ok(truth.get(baseOffset)?.equals(bytes), `another batch at ${baseOffset}`);
        offset = baseOffset + count;
      }
    } catch (error) {
      if (!(error instanceof LoggerError && error.code === 'log-damaged')) throw error;
      readable = false;
      offset += 1;
    }
  }
  try {
    const found = await log.offsetAt(30);
    assert.ok(found >= log.first && found <= log.end);
  } catch (error) {
    if (!(error instanceof LoggerError && error.code === 'log-damaged')) throw error;
  }
  return readable;
}

/** The log takes a batch, and has it and all else after it was closed and opened again. */
async function goOn(path: string, { log, state }: OpenedLog): Promise<void> {
  const epoch = log.position.epoch + 1;
  if (!Number.isSafeInteger(epoch) || epoch >= 2 ** 31) return; // forged; no election comes so far
  await state.save({ ...state.value, promisedEpoch: epoch, promisedIncarnation: 'fuzzer' });
  await log.addPair({ epoch, start: log.end });
  const batch = nextBatch(log, { values: ['more'] });
  log.append([batch]);
  await log.sync();
  const { uid, end, first } = log;
  await log.close();
  const again = await open(path);
  if (again instanceof Error) throw again;
  try {
    assert.equal(again.recovered.quarantine, null);
    assert.deepEqual([again.log.uid, again.log.first, again.log.end], [uid, first, end]);
    const [read] = await again.log.read(end - 1, { maxBytes: 1, below: end });
    assert.ok(read?.equals(batch));
  } finally {
    await again.log.close();
  }
}

export const files = target<Case>({
  name: 'files',
  about: 'data directories: segments, indexes, checkpoint, mark, state, snapshots, staged resets',
  shortCases: 80,
  cases: fc.record({
    directory: fc.nat({ max: 99 }),
    damages: fc.array(fileDamage, { minLength: 1, maxLength: 3 }),
  }),
  open: async () =>
    new Files(await mkdtemp(join(tmpdir(), 'distributed-logger-fuzz-')), await goodDirectories()),
});
