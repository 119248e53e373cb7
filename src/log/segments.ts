// The segments of a log as memory knows them, oldest first. All but the last are sealed: whole, synced and never written
// again. Offsets run through them without a hole, so each ends where the next one begins.
import { OffsetIndex, partition } from './offset-index.ts';

export class Segment {
  /** Offset of its first record, and its name. */
  readonly base: number;
  /** Bytes appended, of which `writtenBytes` have been handed to the file. */
  sizeBytes = 0;
  writtenBytes = 0;
  /** Timestamp of its last record, 0 while it is empty. */
  maxTimestampMs = 0;
  /** Null for a sealed segment whose index is in its file. */
  index: OffsetIndex | null;
  /** The producer table at `base`, until it is saved with the segment's file; null from then on. */
  unsavedProducers: Buffer | null;

  constructor(base: number, unsavedProducers: Buffer | null) {
    this.base = base;
    this.index = new OffsetIndex(base);
    this.unsavedProducers = unsavedProducers;
  }

  /** False for a segment that began in memory and has no file yet. */
  get hasFile(): boolean {
    return this.unsavedProducers === null;
  }
}

export class Segments {
  #list: readonly Segment[];

  /** At least one segment, by rising base. */
  constructor(list: readonly Segment[]) {
    if (list.length === 0) throw new Error('a log has at least one segment');
    this.#list = list;
  }

  get list(): readonly Segment[] {
    return this.#list;
  }
  get first(): Segment {
    return this.#list[0] as Segment;
  }
  /** The one that grows. */
  get active(): Segment {
    return this.#list[this.#list.length - 1] as Segment;
  }
  get sizeBytes(): number {
    let sum = 0;
    for (const { sizeBytes } of this.#list) sum += sizeBytes;
    return sum;
  }
  /** Of the last record of the log, 0 when there is none. */
  get maxTimestampMs(): number {
    return this.#list.findLast(({ sizeBytes }) => sizeBytes > 0)?.maxTimestampMs ?? 0;
  }

  /** The segment whose range holds `offset`; the active one for the end. */
  holding(offset: number): Segment {
    const after = partition(this.#list.length, (at) => (this.#list[at] as Segment).base > offset);
    if (after === 0) throw new RangeError(`no segment holds offset ${offset}`);
    return this.#list[after - 1] as Segment;
  }

  /** Bytes from `offset`, which is not above `end`, on. Within a sealed segment records count as equally large. */
  bytesFrom(offset: number, end: number): number {
    if (offset === end) return 0;
    const holder = this.holding(offset);
    let bytes = holder.sizeBytes;
    if (holder.index) bytes -= holder.index.positionFor(offset);
    else {
      const next = this.after(holder)?.base ?? end;
      bytes *= (next - offset) / (next - holder.base);
    }
    for (const { base, sizeBytes } of this.#list) if (base > holder.base) bytes += sizeBytes;
    return Math.round(bytes);
  }

  before(segment: Segment): Segment | undefined {
    return this.#list[this.#list.indexOf(segment) - 1];
  }
  after(segment: Segment): Segment | undefined {
    return this.#list[this.#list.indexOf(segment) + 1];
  }

  add(segment: Segment): void {
    this.#list = [...this.#list, segment];
  }
  remove(segment: Segment): void {
    this.#list = this.#list.filter((one) => one !== segment);
  }
  /** All go, and one new segment stands in their place. */
  restart(segment: Segment): void {
    this.#list = [segment];
  }
}
