// A data directory belongs to one process. The lock must vanish with its holder, however that ends, and must hold
// between containers that share a volume, where process ids mean nothing: so it has to be the kernel's. Node has no
// flock; SQLite, which comes with it, takes fcntl locks on its file. The database stays empty, only its lock is used.
// The file beside it says who holds the lock: for people, nobody decides by it.
//
// SQLite opens a file that it may not write for reading, and then BEGIN EXCLUSIVE excludes nobody. Only a write shows that:
// it stays in memory, since nothing is ever committed.

import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { type DirectoryLock, DirectoryLockedError, DirectoryUnusableError } from './disk.ts';

const LOCK_FILE = 'lock';
const HOLDER_FILE = 'lock-holder';
const SQLITE_BUSY = 5;

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;

/**
 * Locks `directory`, which exists. Rejects with DirectoryLockedError where another process, or this one, holds it, and with
 * DirectoryUnusableError where it cannot be locked at all.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const file = `${directory}/${LOCK_FILE}`;
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    // No journal file: there is nothing to roll back in an empty database.
    database.exec('PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE; PRAGMA user_version=1');
  } catch (error) {
    database?.close();
    if (isBusy(error)) throw new DirectoryLockedError(directory, await holderOf(directory));
    throw new DirectoryUnusableError(file, error);
  }
  const held = database;
  // A full disk must not keep a logger from starting, so a failure to leave the name is no failure to lock.
  await writeFile(`${directory}/${HOLDER_FILE}`, `pid ${process.pid} on ${hostname()}\n`).catch(() => {});
  return {
    async release() {
      held.close();
    },
  };
}

/** Null where the name cannot be read: it was never written (full disk), or the holder has not come to it yet. */
async function holderOf(directory: string): Promise<string | null> {
  const text = await readFile(`${directory}/${HOLDER_FILE}`, 'utf8').catch(() => '');
  return text.trim() || null;
}
