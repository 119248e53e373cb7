// Small files that are written whole: replaced in one atomic step, and guarded by a CRC so that damage is seen, not
// believed. The log's segments are the only files that grow.

import { crc32c } from '@node-rs/crc32';
import { type Disk, isMissing, isNoRoom, vouched } from './disk.ts';

/**
 * Read at most. The largest of them, an index or a table of producers, has a few MiB; a file that a fault made longer must
 * not be asked for in one piece, since Node aborts the process at reads of 2 GiB and more.
 */
export const SMALL_FILE_MAX_BYTES = 64 * 1024 * 1024;
const TEMPORARY_SUFFIX = '.tmp';
const CRC_SIZE_BYTES = 4;

export const isTemporary = (name: string): boolean => name.endsWith(TEMPORARY_SUFFIX);

/** All bytes of a file, as far as it may be long, or null when there is none. */
export async function readWhole(disk: Disk, path: string): Promise<Buffer | null> {
  try {
    const file = await disk.open(path, 'read');
    try {
      const bytes = Buffer.allocUnsafe(Math.min(await file.size(), SMALL_FILE_MAX_BYTES));
      return bytes.subarray(0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Makes a file of that name and content, or replaces it; durable when it resolves, the former one until then. */
export async function writeWhole(disk: Disk, directory: string, name: string, bytes: Buffer): Promise<void> {
  await writeTemporary(disk, directory, name, bytes);
  await putInPlace(disk, directory, name);
}

/** The first half of `writeWhole`: the content is durable under a temporary name. */
export async function writeTemporary(
  disk: Disk,
  directory: string,
  name: string,
  bytes: Buffer,
): Promise<void> {
  const path = `${directory}/${name}${TEMPORARY_SUFFIX}`;
  const file = await disk.open(path, 'create');
  try {
    await file.write([bytes], 0);
    await vouched(file.datasync());
  } finally {
    await file.close();
  }
}

/** The second half: the temporary file becomes the file. */
export async function putInPlace(disk: Disk, directory: string, name: string): Promise<void> {
  await disk.rename(`${directory}/${name}${TEMPORARY_SUFFIX}`, `${directory}/${name}`);
  await vouched(disk.syncDirectory(directory));
}

/**
 * Makes the names in a directory durable that a former process left there, also where its sync of them failed: a name comes and
 * goes, so that there is something to store (see disk.ts). A disk without room for a name gets the sync alone.
 */
export async function storeNames(disk: Disk, directory: string): Promise<void> {
  const path = `${directory}/names${TEMPORARY_SUFFIX}`;
  try {
    const file = await disk.open(path, 'create');
    await file.close();
  } catch (error) {
    if (!isNoRoom(error)) throw error;
  }
  await disk.remove(path);
  await vouched(disk.syncDirectory(directory));
}

/** `bytes` with their CRC-32C behind them. */
export function withCrc(bytes: Buffer): Buffer {
  const guarded = Buffer.allocUnsafe(bytes.length + CRC_SIZE_BYTES);
  bytes.copy(guarded);
  guarded.writeUInt32BE(crc32c(bytes), bytes.length);
  return guarded;
}

/** The bytes that `withCrc` was given, or null when they are not those any more. */
export function withoutCrc(guarded: Buffer): Buffer | null {
  const length = guarded.length - CRC_SIZE_BYTES;
  if (length < 0) return null;
  const bytes = guarded.subarray(0, length);
  return crc32c(bytes) === guarded.readUInt32BE(length) ? bytes : null;
}
