// An empty log: one segment without records, a checkpoint without pairs, a mark at 0.

import { LogDamagedError } from './damage.ts';
import { type Disk, vouched } from './disk.ts';
import {
  CHECKPOINT_FILE,
  LOG_DIRECTORY,
  MARK_FILE,
  parseSegmentFile,
  RESET_FILE,
  segmentFile,
} from './names.ts';
import { formatPairs, pairsCrc } from './pairs.ts';
import { type MarkValues, RecoveryMark } from './recovery-mark.ts';
import { readWhole, writeWhole } from './small-file.ts';

const NOTHING: MarkValues = { synced: 0, commit: 0, pairsCrc: pairsCrc([]), pending: null, first: 0 };

/** Makes an empty log in the data directory; durable when it resolves. */
export async function createLog(disk: Disk, directory: string): Promise<void> {
  const path = `${directory}/${LOG_DIRECTORY}`;
  await disk.makeDirectory(path);
  const mark = await RecoveryMark.create(disk, path, NOTHING);
  await mark.close();
  await writeWhole(disk, path, CHECKPOINT_FILE, formatPairs([]));
  const segment = await disk.open(`${path}/${segmentFile(0, 'log')}`, 'create');
  await segment.close();
  await vouched(disk.syncDirectory(path));
}

/** True when `path` holds at most what an interrupted `createLog` leaves: no record, no pair, no wish. */
export async function isUnused(disk: Disk, path: string): Promise<boolean> {
  const empty = formatPairs([]);
  for (const name of await disk.list(path)) {
    const segment = parseSegmentFile(name);
    if (name === RESET_FILE) return false;
    if (name === CHECKPOINT_FILE && !(await readWhole(disk, `${path}/${name}`))?.equals(empty)) return false;
    if (name === MARK_FILE && (await hasPair(disk, path))) return false;
    if (segment && (segment.base > 0 || (await sizeOf(disk, `${path}/${name}`)) > 0)) return false;
  }
  return true;
}

/** A mark that cannot be read is one that was being made. */
async function hasPair(disk: Disk, path: string): Promise<boolean> {
  try {
    const mark = await RecoveryMark.open(disk, path);
    await mark.close();
    return mark.values.pending !== null;
  } catch (error) {
    if (error instanceof LogDamagedError) return false;
    throw error;
  }
}

async function sizeOf(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path, 'read');
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}
