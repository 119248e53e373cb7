// The real disk: Node's file system, bound to the interface of disk.ts. Nothing here decides anything.

import { fdatasync, writevSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { lockDirectory } from './directory-lock.ts';
import { type DirectoryLock, type Disk, type DiskFile, isMissing, type OpenMode } from './disk.ts';

const FLAGS = { read: 'r', write: 'r+', create: 'w+' } as const satisfies Record<OpenMode, string>;
/** Buffers in one writev: the kernel takes no more (IOV_MAX). */
const WRITEV_BUFFERS_MAX = 1024;
/**
 * So much is written at once, without a thread: the kernel copies it into the page cache in some ten microseconds, while the
 * way to a thread and back takes five times as long on busy processors.
 */
const WRITE_DIRECTLY_BYTES_MAX = 32 * 1024;

class NodeFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(target: Uint8Array, at: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const { bytesRead } = await this.#handle.read(target, done, target.length - done, at + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  async write(buffers: readonly Uint8Array[], at: number): Promise<void> {
    let position = at;
    let size = 0;
    for (const { length } of buffers) size += length;
    const isSmall = size <= WRITE_DIRECTLY_BYTES_MAX;
    for (let first = 0; first < buffers.length; first += WRITEV_BUFFERS_MAX) {
      // Empty buffers are left out: a write of nothing is done, while the kernel's answer of 0 bytes to any other is a failure.
      let group = buffers.slice(first, first + WRITEV_BUFFERS_MAX).filter(({ length }) => length > 0);
      while (group.length > 0) {
        const bytesWritten = isSmall
          ? writevSync(this.#handle.fd, group, position)
          : (await this.#handle.writev(group, position)).bytesWritten;
        if (bytesWritten === 0) throw new Error('the file system wrote nothing and gave no reason');
        position += bytesWritten;
        group = dropBytes(group, bytesWritten);
      }
    }
  }

  datasync(): Promise<void> {
    // By callback: the promise of a FileHandle costs several times as much, after every append.
    return new Promise((resolve, reject) =>
      fdatasync(this.#handle.fd, (error) => (error === null ? resolve() : reject(error))),
    );
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  extend(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** What is left of `buffers` after their first `count` bytes: a write may take only a part. */
function dropBytes(buffers: Uint8Array[], count: number): Uint8Array[] {
  let rest = count;
  let index = 0;
  for (; index < buffers.length; index += 1) {
    const { length } = buffers[index] as Uint8Array;
    if (length > rest) break;
    rest -= length;
  }
  const left = buffers.slice(index);
  if (rest > 0) left[0] = (left[0] as Uint8Array).subarray(rest);
  return left;
}

export class NodeDisk implements Disk {
  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    return new NodeFile(await open(path, FLAGS[mode]));
  }

  async list(directory: string): Promise<string[]> {
    try {
      return (await readdir(directory)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async makeDirectory(path: string): Promise<void> {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = resolve(path); made.length >= resolve(first).length; made = dirname(made))
      await this.syncDirectory(dirname(made));
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  remove(path: string): Promise<void> {
    return rm(path, { force: true });
  }

  async syncDirectory(directory: string): Promise<void> {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async freeBytes(directory: string): Promise<number> {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  }

  lock(directory: string): Promise<DirectoryLock> {
    return lockDirectory(directory);
  }
}
