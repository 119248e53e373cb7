// Files and directories of the disk in memory. Each knows what a reader sees now and what is durable, and the changes
// between the two, in order. A sync makes the first of them durable; a crash decides what becomes of the rest.
import type { Survival } from './memory-disk.ts';

/** Sectors are written whole or not at all. */
const SECTOR_BYTES = 512;

type FileChange =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly sizeBytes: number }
  | { readonly kind: 'extend'; readonly sizeBytes: number };

/** Bytes that grow without being copied each time. */
class Content {
  #room: Buffer;
  #sizeBytes: number;
  /** What lies beyond was never written, and takes no room. */
  #usedBytes: number;

  constructor(bytes: Buffer = Buffer.alloc(0), usedBytes = bytes.length) {
    this.#room = Buffer.from(bytes);
    this.#sizeBytes = bytes.length;
    this.#usedBytes = usedBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#sizeBytes);
  }

  apply(change: FileChange): void {
    if (change.kind === 'truncate') {
      this.#room.fill(0, change.sizeBytes);
      this.#sizeBytes = Math.min(this.#sizeBytes, change.sizeBytes);
      this.#usedBytes = Math.min(this.#usedBytes, change.sizeBytes);
      return;
    }
    if (change.kind === 'extend') {
      this.#reach(change.sizeBytes);
      return;
    }
    const end = change.at + change.bytes.length;
    this.#reach(end);
    change.bytes.copy(this.#room, change.at);
    this.#usedBytes = Math.max(this.#usedBytes, end);
  }

  #reach(sizeBytes: number): void {
    if (sizeBytes > this.#room.length) {
      const room = Buffer.alloc(Math.max(sizeBytes, 2 * this.#room.length));
      this.bytes.copy(room);
      this.#room = room;
    }
    this.#sizeBytes = Math.max(this.#sizeBytes, sizeBytes);
  }
}

export class MemoryFile {
  #now = new Content();
  #durable = new Content();
  #changes: FileChange[] = [];
  /** Changes made durable so far: counts what `pending` counts. */
  #syncedChanges = 0;

  /** With the zeros that a reader finds where the file was extended. */
  get content(): Buffer {
    return this.#now.bytes;
  }

  /** Of the disk's room. */
  get usedBytes(): number {
    return this.#now.usedBytes;
  }

  /** A number that `sync` takes: it covers all changes up to now. */
  get pending(): number {
    return this.#syncedChanges + this.#changes.length;
  }

  change(change: FileChange): void {
    this.#changes.push(change);
    this.#now.apply(change);
  }

  sync(covered: number): void {
    const count = Math.max(0, covered - this.#syncedChanges);
    for (const change of this.#changes.splice(0, count)) this.#durable.apply(change);
    this.#syncedChanges += count;
  }

  /** A sync failed, as on Linux: what it covered stays readable and counts as clean, so no later sync stores it. */
  lose(covered: number): void {
    const count = Math.max(0, covered - this.#syncedChanges);
    this.#changes.splice(0, count);
    this.#syncedChanges += count;
  }

  overwrite(content: Buffer): void {
    this.#syncedChanges += this.#changes.length;
    this.#changes = [];
    this.#become(content, content.length);
  }

  #become(content: Buffer, usedBytes: number): void {
    this.#durable = new Content(content, usedBytes);
    this.#now = new Content(content, usedBytes);
  }

  crash({ random, keeps }: Survival): void {
    const whole = keeps === 'prefix' ? Math.floor(random() * (this.#changes.length + 1)) : 0;
    for (const [index, change] of this.#changes.entries()) {
      if (keeps === 'prefix' && index < whole) this.#durable.apply(change);
      else if (keeps === 'prefix' && index === whole)
        for (const part of torn(change, random)) this.#durable.apply(part);
      else if (keeps === 'any') for (const part of scattered(change, random)) this.#durable.apply(part);
    }
    this.#syncedChanges += this.#changes.length;
    this.#changes = [];
    this.#become(this.#durable.bytes, this.#durable.usedBytes);
  }
}

/** The first bytes of a write; a change of size is done or not. */
function torn(change: FileChange, random: () => number): FileChange[] {
  if (change.kind !== 'write') return random() < 0.5 ? [change] : [];
  return [{ ...change, bytes: change.bytes.subarray(0, Math.floor(random() * change.bytes.length)) }];
}

/** Some of a write's sectors, in no order. What lies between them was never written, and reads as zeros. */
function scattered(change: FileChange, random: () => number): FileChange[] {
  if (change.kind !== 'write') return random() < 0.5 ? [change] : [];
  const sectors: FileChange[] = [];
  for (let from = 0; from < change.bytes.length; ) {
    const to = Math.min(change.bytes.length, from + SECTOR_BYTES - ((change.at + from) % SECTOR_BYTES));
    if (random() < 0.5)
      sectors.push({ kind: 'write', at: change.at + from, bytes: change.bytes.subarray(from, to) });
    from = to;
  }
  return sectors;
}

type Node = MemoryFile | MemoryDirectory;

type NameChange =
  | { readonly kind: 'add'; readonly name: string; readonly node: Node }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string };

function rename(names: Map<string, Node>, change: NameChange): void {
  if (change.kind === 'add') {
    names.set(change.name, change.node);
    return;
  }
  const node = names.get(change.name);
  names.delete(change.name);
  if (change.kind === 'rename' && node) names.set(change.to, node);
}

export class MemoryDirectory {
  readonly names = new Map<string, Node>();
  #durable = new Map<string, Node>();
  #changes: NameChange[] = [];
  #syncedChanges = 0;
  /** Neither durable nor dirty, since a sync failed. */
  #lost: NameChange[] = [];

  get pending(): number {
    return this.#syncedChanges + this.#changes.length;
  }

  get sizeBytes(): number {
    let sum = 0;
    for (const node of this.names.values())
      sum += node instanceof MemoryFile ? node.usedBytes : node.sizeBytes;
    return sum;
  }

  /** A directory is one block: any change of it makes the names dirty again that a failed sync left behind. */
  change(change: NameChange): void {
    this.#changes.push(...this.#lost, change);
    this.#lost = [];
    rename(this.names, change);
  }

  /** As for a file. */
  lose(covered: number): void {
    const count = Math.max(0, covered - this.#syncedChanges);
    this.#lost.push(...this.#changes.splice(0, count));
    this.#syncedChanges += count;
  }

  sync(covered: number): void {
    const count = Math.max(0, covered - this.#syncedChanges);
    for (const change of this.#changes.splice(0, count)) rename(this.#durable, change);
    this.#syncedChanges += count;
  }

  crash(survival: Survival): void {
    const { random, keeps } = survival;
    const kept = keeps === 'prefix' ? Math.floor(random() * (this.#changes.length + 1)) : 0;
    for (const [index, change] of this.#changes.entries())
      if (index < kept || (keeps === 'any' && random() < 0.5)) rename(this.#durable, change);
    this.#syncedChanges += this.#changes.length;
    this.#changes = [];
    this.#lost = [];
    this.names.clear();
    for (const [name, node] of this.#durable) this.names.set(name, node);
    for (const node of this.names.values()) node.crash(survival);
  }

  find(path: string): Node | null {
    let node: Node = this;
    for (const name of path.split('/').filter(Boolean)) {
      const next: Node | undefined = node instanceof MemoryDirectory ? node.names.get(name) : undefined;
      if (!next) return null;
      node = next;
    }
    return node;
  }

  /** Makes the directories on the way, durably; they are never removed. */
  make(path: string): void {
    let node: Node = this;
    for (const name of path.split('/').filter(Boolean)) {
      if (!(node instanceof MemoryDirectory)) throw new Error(`${path} leads through a file`);
      let next: Node | undefined = node.names.get(name);
      if (!next) {
        next = new MemoryDirectory();
        node.names.set(name, next);
        node.#durable.set(name, next);
      }
      node = next;
    }
  }
}
