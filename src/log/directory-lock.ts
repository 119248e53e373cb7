// A data directory belongs to one process. The lock must vanish with its holder, however that ends, and must hold
// between containers that share a volume, where process ids mean nothing: so it has to be the kernel's. Node has no
// flock; SQLite, which comes with it, takes fcntl locks on its file. The database stays empty, only its lock is used.
// The file beside it says who holds the lock: for people, nobody decides by it.

import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { type DirectoryLock, DirectoryLockedError } from './disk.ts';

const LOCK_FILE = 'lock';
const HOLDER_FILE = 'lock-holder';
const SQLITE_BUSY = 5;

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;

/** Locks `directory`, which exists. Rejects with DirectoryLockedError where another process, or this one, holds it. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const database = new DatabaseSync(`${directory}/${LOCK_FILE}`, { timeout: 0 });
  try {
    // No journal file: there is nothing to roll back in an empty database.
    database.exec('PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) throw new DirectoryLockedError(directory, await holderOf(directory));
    throw error;
  }
  // A full disk must not keep a logger from starting, so a failure to leave the name is no failure to lock.
  await writeFile(`${directory}/${HOLDER_FILE}`, `pid ${process.pid} on ${hostname()}\n`).catch(() => {});
  return {
    async release() {
      database.close();
    },
  };
}

/** Null where the name cannot be read: it was never written (full disk), or the holder has not come to it yet. */
async function holderOf(directory: string): Promise<string | null> {
  const text = await readFile(`${directory}/${HOLDER_FILE}`, 'utf8').catch(() => '');
  return text.trim() || null;
}
