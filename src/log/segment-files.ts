// The files behind the segments: the open one that is written to, the roll to a new one, and the removal of old ones.
// Only ever used by whoever has the turn (see writer.ts), so nothing here guards against itself.
//
// The open file is longer than what it holds: zeros follow, which take no room. A sync of a file that has just grown must
// store its new length too, for which a journaling file system commits its journal: twice the time of the sync and more.
// A file that is left is cut to what it holds; after a crash the zeros are there, and recovery takes them for no record.

import type { Content } from './content.ts';
import { type Disk, type DiskFile, vouched } from './disk.ts';
import { segmentFile } from './names.ts';
import type { Segment } from './segments.ts';
import { writeWhole } from './small-file.ts';

/** So much longer the open file is made at a time. Few enough zeros to be read through at a start in no time. */
const AHEAD_BYTES = 1024 * 1024;

interface OpenFile {
  readonly handle: DiskFile;
  readonly segment: Segment;
  /** Not below what is written. */
  sizeBytes: number;
}

export class SegmentFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #content: Content;
  readonly #segmentSizeBytes: number;
  /** The file written last. */
  #open: OpenFile | null = null;

  constructor(disk: Disk, directory: string, content: Content, segmentSizeBytes: number) {
    this.#disk = disk;
    this.#directory = directory;
    this.#content = content;
    this.#segmentSizeBytes = segmentSizeBytes;
  }

  /** The file of a segment, open for writing; a segment that began in memory gets one. */
  async of(segment: Segment): Promise<DiskFile> {
    if (this.#open?.segment === segment) return this.#open.handle;
    const handle = segment.hasFile
      ? await this.#disk.open(this.#path(segment), 'write')
      : await this.#roll(segment);
    await this.close();
    this.#open = { handle, segment, sizeBytes: segment.writtenBytes };
    return handle;
  }

  /** To be called before what ends at `endBytes` is written to the open file. */
  async lengthen(endBytes: number): Promise<void> {
    const open = this.#open;
    if (!open || endBytes <= open.sizeBytes) return;
    const aheadBytes = Math.min(endBytes + AHEAD_BYTES, this.#segmentSizeBytes);
    if (aheadBytes > endBytes) await open.handle.extend(aheadBytes);
    open.sizeBytes = Math.max(aheadBytes, endBytes);
  }

  /** Syncs what was written last; whatever was written before that is synced already. */
  async datasync(): Promise<void> {
    if (this.#open) await vouched(this.#open.handle.datasync());
  }

  /** The next write opens its file anew. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await open?.handle.close();
  }

  /** Cuts off the zeros behind what is written. */
  async trim(): Promise<void> {
    const open = this.#open;
    if (!open || open.sizeBytes === open.segment.writtenBytes) return;
    open.sizeBytes = open.segment.writtenBytes;
    await open.handle.truncate(open.sizeBytes);
  }

  /**
   * Before a segment's file exists, all that belongs to the segments before it is durable: so recovery may take every
   * segment but the last for whole. May be done again when there was no room for it.
   */
  async #roll(segment: Segment): Promise<DiskFile> {
    await this.trim();
    await this.datasync();
    const sealed = this.#content.segments.before(segment);
    if (sealed?.index) await this.#save(sealed, 'index', sealed.index.encode());
    if (segment.unsavedProducers) await this.#save(segment, 'producers', segment.unsavedProducers);
    const handle = await this.#disk.open(this.#path(segment), 'create');
    await vouched(handle.datasync());
    await vouched(this.#disk.syncDirectory(this.#directory));
    segment.unsavedProducers = null;
    if (sealed) sealed.index = null;
    return handle;
  }

  #save({ base }: Segment, kind: 'index' | 'producers', bytes: Buffer): Promise<void> {
    return writeWhole(this.#disk, this.#directory, segmentFile(base, kind), bytes);
  }

  #path({ base }: Segment): string {
    return `${this.#directory}/${segmentFile(base, 'log')}`;
  }

  /** Cuts a segment's file down to what counts as written, and syncs it. The segment grows again from there. */
  async cut(segment: Segment): Promise<void> {
    if (!segment.hasFile) return;
    await this.#remove(segment, 'index');
    const file = await this.of(segment);
    // Not only what is cut lies beyond: a write that failed may have left a part there.
    if ((await file.size()) > segment.writtenBytes) await file.truncate(segment.writtenBytes);
    if (this.#open) this.#open.sizeBytes = segment.writtenBytes;
    await this.datasync();
  }

  /**
   * Removes a segment's files. Durable before it resolves: of two segments removed one after the other, a crash never
   * brings back the first alone, which would leave a hole.
   */
  async remove(segment: Segment): Promise<void> {
    if (!segment.hasFile) return;
    if (this.#open?.segment === segment) await this.close();
    await this.#remove(segment, 'log');
    await vouched(this.#disk.syncDirectory(this.#directory));
    await this.#remove(segment, 'index');
    await this.#remove(segment, 'producers');
  }

  #remove({ base }: Segment, kind: 'log' | 'index' | 'producers'): Promise<void> {
    return this.#disk.remove(`${this.#directory}/${segmentFile(base, kind)}`);
  }
}
