// The file system as the log needs it, and nothing more: every byte that src/log reads or writes goes through here, so
// that a simulated disk can lose, tear, flip and refuse them. The log uses no clock and no randomness of its own; given
// the order in which these calls complete, all that it does is determined.
//
// What the log relies on after a crash (process or power):
//   - bytes covered by a completed `datasync` of their file are there, and so is the file's size;
//   - names (created, renamed, removed) covered by a completed `syncDirectory` are there; a file's bytes do not vouch
//     for its name, so a new file needs both;
//   - of what was not synced, any part may be there, torn at any byte; a rename is either done or not.
// A failed sync leaves everything not synced before in doubt; the log then gives up (see `onFatal`). The process that starts next
// finds it all the same: Linux marks pages clean that it could not write and keeps them in its cache, so reads show them, and a
// sync, which stores dirty pages only, succeeds and stores nothing. So a process that starts writes again what it finds and
// means to rely on, before it syncs it: the same bytes, a change of the size, a change of names.

import { messageOf } from '../errors.ts';

/** An open file. Calls may overlap; the log never lets two overlapping writes touch the same bytes. */
export interface DiskFile {
  /** Fills `target` with the bytes from `at` on. Resolves with how many there were: fewer only at the file's end. */
  read(target: Uint8Array, at: number): Promise<number>;
  /** Writes all of `buffers` one after another from `at` on. When it rejects, any part of them may have been written. */
  write(buffers: readonly Uint8Array[], at: number): Promise<void>;
  /** fdatasync: resolves when all bytes written before the call, and the size, are durable. */
  datasync(): Promise<void>;
  /** Makes the file end at `sizeBytes`, which is not above its present size. */
  truncate(sizeBytes: number): Promise<void>;
  /** Makes the file end at `sizeBytes`, which is not below its present size. What is new reads as zeros, and takes no room. */
  extend(sizeBytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** `read` and `write` need a file that exists; `create` makes an empty one, emptying one that exists. */
export type OpenMode = 'read' | 'write' | 'create';

/** Held until released or until the process ends, however it ends. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Paths are joined with `/`. Failures reject with an Error whose `code` is that of Node: ENOENT, ENOSPC, EDQUOT, EIO, …
 * Only ENOENT (no such file), ENOSPC or EDQUOT (no room), and EIO of a read are told apart by the log; all others are fatal to it.
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Names in a directory, files and directories alike, sorted; none when it does not exist. */
  list(directory: string): Promise<string[]>;
  /** Makes a directory and those above it, durably; does nothing where it exists. */
  makeDirectory(path: string): Promise<void>;
  /** Moves a file (over one that exists) or a directory (to a name that is free). Atomic. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is not there is no error. */
  remove(path: string): Promise<void>;
  /** Makes all changes of names in `directory` before the call durable. */
  syncDirectory(directory: string): Promise<void>;
  /** Room left for unprivileged writers on the file system that holds `directory`. */
  freeBytes(directory: string): Promise<number>;
  /** Locks an existing directory against every other process. Rejects with DirectoryLockedError. */
  lock(directory: string): Promise<DirectoryLock>;
}

/** Another process (or log in this process) uses the directory. */
export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError';
  readonly directory: string;
  /** Who holds it, as far as that is known: "pid 123 on host". */
  readonly holder: string | null;

  constructor(directory: string, holder: string | null) {
    super(
      `${directory} is in use by ${holder ?? 'another process'}: each logger needs a directory of its own`,
    );
    this.directory = directory;
    this.holder = holder;
  }
}

/** This user may not lock the directory, so that nothing would keep a second process from it. */
export class DirectoryUnusableError extends Error {
  override readonly name = 'DirectoryUnusableError';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    const uid = process.getuid?.() ?? 'unknown';
    super(`uid ${uid} cannot lock ${path}, which it must be able to write: ${messageOf(cause)}`, { cause });
    this.path = path;
  }
}

const hasCode = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

export const isNoRoom = (error: unknown): boolean => hasCode(error, ['ENOSPC', 'EDQUOT']);
export const isMissing = (error: unknown): boolean => hasCode(error, ['ENOENT']);
export const isUnreadable = (error: unknown): boolean => hasCode(error, ['EIO']);

/** A sync failed: nobody knows what is on the disk now. Never retried, whatever the reason was. */
class SyncFailedError extends Error {
  override readonly name = 'SyncFailedError';
}

/**
 * Waits for a sync. Want of room refuses a write and may pass; in a sync it means that accepted bytes were dropped, so
 * its code is hidden from `isNoRoom`.
 */
export async function vouched(sync: Promise<void>): Promise<void> {
  try {
    await sync;
  } catch (cause) {
    throw new SyncFailedError('a sync failed', { cause });
  }
}
