// A disk in memory that keeps its promises and not a bit more. What was not synced may be lost or torn by a crash; names
// and contents are synced apart from each other; room is limited; any operation can be made to fail, to wait, or to be
// the last one before the crash. All of it is deterministic: chance comes in as a function, order from the caller.

import {
  type DirectoryLock,
  DirectoryLockedError,
  type Disk,
  type DiskFile,
  type OpenMode,
} from '../../src/log/disk.ts';
import { MemoryDirectory, MemoryFile } from './memory-nodes.ts';

export interface Operation {
  readonly kind: keyof Omit<Disk, 'lock'> | keyof DiskFile;
  readonly path: string;
}

/** What a crash of the machine leaves of the changes that were not synced; see memory-nodes.ts. */
export interface Survival {
  readonly random: () => number;
  /**
   * `none`: nothing. `prefix`: per file and per directory the first changes, the next one torn, as a journaling file system
   * does it. `any`: any of the sectors written and any of the names changed, whatever the order.
   */
  readonly keeps: 'none' | 'prefix' | 'any';
}

/**
 * Called when an operation comes, which takes effect once this has resolved. Throwing or rejecting fails the operation,
 * without effect; a write that fails halfway takes `capacityBytes`. A sync that fails leaves what Linux leaves: its changes can be
 * read until the power goes, and no later sync stores them, but for those that are made again.
 */
export type Hook = (operation: Operation) => Promise<void> | void;

const never = (): Promise<never> => new Promise(() => {});

const failure = (code: string, text: string): Error => Object.assign(new Error(`${code}: ${text}`), { code });

export class MemoryDisk implements Disk {
  readonly #root = new MemoryDirectory();
  readonly #locked = new Set<string>();
  readonly hooks = new Set<Hook>();
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Operations so far. */
  operations = 0;
  /** The machine stops when this operation comes: it and all later ones never end, until `crash`. */
  stopAt = Number.POSITIVE_INFINITY;
  /** Processes die with a crash: what they had under way never ends. */
  #boot = 0;

  get stopped(): boolean {
    return this.operations >= this.stopAt;
  }

  /** The process dies; the machine and its page cache live on. */
  kill(): void {
    this.#boot += 1;
    this.#locked.clear();
    this.stopAt = Number.POSITIVE_INFINITY;
  }

  /** The machine loses its power. */
  crash(survival: Survival): void {
    this.kill();
    this.#root.crash(survival);
  }

  get usedBytes(): number {
    return this.#root.sizeBytes;
  }

  /** What was written to a file, to look at or to damage. Changes are durable at once. */
  content(path: string): Buffer {
    const { content, usedBytes } = this.#file(path);
    return content.subarray(0, usedBytes);
  }

  /** A file's length, with what it was extended by. */
  sizeOf(path: string): number {
    return this.#file(path).content.length;
  }

  /** Replaces a file's content, durably, behind the back of whoever uses it. */
  overwrite(path: string, content: Buffer): void {
    this.#file(path).overwrite(content);
  }

  flipBit(path: string, byte: number, bit = 0): void {
    const content = Buffer.from(this.content(path));
    content[byte] = (content[byte] as number) ^ (1 << bit);
    this.overwrite(path, content);
  }

  names(directory: string): string[] {
    const node = this.#root.find(directory);
    return node instanceof MemoryDirectory ? [...node.names.keys()].sort() : [];
  }

  #file(path: string): MemoryFile {
    const node = this.#root.find(path);
    if (!(node instanceof MemoryFile)) throw failure('ENOENT', path);
    return node;
  }

  /** Carries out an operation, all at once; or holds it for ever when the machine has stopped or crashed meanwhile. */
  async perform<T>(operation: Operation, boot: number, effect: () => T): Promise<T> {
    if (boot === this.#boot) this.operations += 1;
    if (boot !== this.#boot || this.stopped) return await never();
    // Nothing takes effect before the caller goes on, on no disk.
    await null;
    for (const hook of [...this.hooks]) await hook(operation);
    return boot === this.#boot ? effect() : await never();
  }

  #perform<T>(kind: Operation['kind'], path: string, effect: () => T): Promise<T> {
    return this.perform({ kind, path }, this.#boot, effect);
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    const boot = this.#boot;
    return this.#perform('open', path, () => {
      if (mode !== 'create') return new OpenFile(this, this.#file(path), path, boot);
      const [directory, name] = this.#parentOf(path);
      const existing = directory.names.get(name);
      const file = existing instanceof MemoryFile ? existing : new MemoryFile();
      if (existing === file) file.change({ kind: 'truncate', sizeBytes: 0 });
      else directory.change({ kind: 'add', name, node: file });
      return new OpenFile(this, file, path, boot);
    });
  }

  list(directory: string): Promise<string[]> {
    return this.#perform('list', directory, () => this.names(directory));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#perform('makeDirectory', path, () => this.#root.make(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#perform('rename', to, () => {
      const [directory, name] = this.#parentOf(from);
      const [target, newName] = this.#parentOf(to);
      if (target !== directory) throw new Error('only renames within one directory are simulated');
      if (!directory.names.has(name)) throw failure('ENOENT', from);
      directory.change({ kind: 'rename', name, to: newName });
    });
  }

  remove(path: string): Promise<void> {
    return this.#perform('remove', path, () => {
      const [directory, name] = this.#parentOf(path);
      if (directory.names.has(name)) directory.change({ kind: 'remove', name });
    });
  }

  async syncDirectory(path: string): Promise<void> {
    const node = this.#root.find(path);
    const covered = node instanceof MemoryDirectory ? node.pending : 0;
    const sync = this.#perform('syncDirectory', path, () => {
      if (!(node instanceof MemoryDirectory)) throw failure('ENOENT', path);
      node.sync(covered);
    });
    await sync.catch((error: Error) => {
      if (node instanceof MemoryDirectory) node.lose(covered);
      throw error;
    });
  }

  freeBytes(directory: string): Promise<number> {
    return this.#perform('freeBytes', directory, () => Math.max(0, this.capacityBytes - this.usedBytes));
  }

  async lock(directory: string): Promise<DirectoryLock> {
    if (this.#locked.has(directory)) throw new DirectoryLockedError(directory, 'another log');
    this.#locked.add(directory);
    const boot = this.#boot;
    return {
      release: async () => {
        if (boot === this.#boot) this.#locked.delete(directory);
      },
    };
  }

  #parentOf(path: string): [MemoryDirectory, string] {
    const at = path.lastIndexOf('/');
    const directory = this.#root.find(path.slice(0, at));
    if (!(directory instanceof MemoryDirectory)) throw failure('ENOENT', path);
    return [directory, path.slice(at + 1)];
  }
}

class OpenFile implements DiskFile {
  readonly #disk: MemoryDisk;
  readonly #file: MemoryFile;
  readonly #path: string;
  readonly #boot: number;
  #closed = false;

  constructor(disk: MemoryDisk, file: MemoryFile, path: string, boot: number) {
    this.#disk = disk;
    this.#file = file;
    this.#path = path;
    this.#boot = boot;
  }

  async #perform<T>(kind: keyof DiskFile, effect: () => T): Promise<T> {
    if (this.#closed) throw failure('EBADF', `${kind} of ${this.#path}`);
    return await this.#disk.perform({ kind, path: this.#path }, this.#boot, effect);
  }

  read(target: Uint8Array, at: number): Promise<number> {
    return this.#perform('read', () => {
      const { content } = this.#file;
      return at < content.length ? content.copy(target, 0, at) : 0;
    });
  }

  write(buffers: readonly Uint8Array[], at: number): Promise<void> {
    return this.#perform('write', () => {
      const bytes = Buffer.concat(buffers);
      const growth = Math.max(0, at + bytes.length - this.#file.usedBytes);
      const missing = growth - Math.max(0, this.#disk.capacityBytes - this.#disk.usedBytes);
      const fits = missing > 0 ? bytes.subarray(0, Math.max(0, bytes.length - missing)) : bytes;
      if (fits.length > 0) this.#file.change({ kind: 'write', at, bytes: fits });
      if (missing > 0) throw failure('ENOSPC', `${missing} bytes missing for ${this.#path}`);
    });
  }

  datasync(): Promise<void> {
    const covered = this.#file.pending;
    return this.#perform('datasync', () => this.#file.sync(covered)).catch((error: Error) => {
      this.#file.lose(covered);
      throw error;
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#perform('truncate', () => this.#file.change({ kind: 'truncate', sizeBytes }));
  }

  extend(sizeBytes: number): Promise<void> {
    return this.#perform('extend', () => this.#file.change({ kind: 'extend', sizeBytes }));
  }

  size(): Promise<number> {
    return this.#perform('size', () => this.#file.content.length);
  }

  close(): Promise<void> {
    return this.#perform('close', () => {
      this.#closed = true;
    });
  }
}
