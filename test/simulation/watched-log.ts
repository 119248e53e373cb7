// The log under test with a witness beside it: what it holds, batch by batch, so that the checker need not read the disk
// after every step; and the flaws of the log itself that a mutant run puts in.
import { batchesOf, contentCrc } from '../../src/log/batch.ts';
import type {
  EpochPair,
  Log,
  Position,
  ProducerStamp,
  ProducerState,
  ProducerVerdict,
  Synced,
} from '../../src/log/types.ts';
import type { Batch } from './checker.ts';

export interface LogFlaws {
  /** The producer table is not rolled back with a cut. */
  readonly tableKept?: boolean;
}

const repeatKey = ({ id, epoch, sequence }: ProducerStamp): string => `${id}/${epoch}/${sequence}`;

export class WatchedLog implements Log {
  readonly inner: Log;
  readonly #flaws: LogFlaws;
  /** What is appended, from `first` on. */
  shadow: Batch[];
  onShrunk: () => void = () => undefined;
  /** Batches that retention took away. */
  onDropped: (batches: readonly Batch[]) => void = () => undefined;
  readonly #told = new Map<string, ProducerVerdict>();

  constructor(inner: Log, shadow: Batch[], flaws: LogFlaws = {}) {
    this.inner = inner;
    this.shadow = shadow;
    this.#flaws = flaws;
  }

  get shadowEnd(): number {
    return this.shadow.at(-1)?.end ?? this.inner.first;
  }

  between(from: number, to: number): Batch[] {
    let low = 0;
    let high = this.shadow.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shadow[middle]!.base < from) low = middle + 1;
      else high = middle;
    }
    const found: Batch[] = [];
    for (let at = low; at < this.shadow.length && this.shadow[at]!.end <= to; at += 1)
      found.push(this.shadow[at]!);
    return found;
  }

  get uid(): string {
    return this.inner.uid;
  }
  get first(): number {
    return this.inner.first;
  }
  get end(): number {
    return this.inner.end;
  }
  get syncedEnd(): number {
    return this.inner.syncedEnd;
  }
  get generation(): number {
    return this.inner.generation;
  }
  get position(): Position {
    return this.inner.position;
  }
  get pairs(): readonly EpochPair[] {
    return this.inner.pairs;
  }
  get storedCommit(): number {
    return this.inner.storedCommit;
  }
  get sizeBytes(): number {
    return this.inner.sizeBytes;
  }
  get segmentCount(): number {
    return this.inner.segmentCount;
  }
  get lastTimestampMs(): number {
    return this.inner.lastTimestampMs;
  }
  get full(): boolean {
    return this.inner.full;
  }

  append(buffers: readonly Buffer[]): void {
    this.inner.append(buffers);
    for (const buffer of buffers) this.shadow.push(...describe(buffer));
    if (this.#flaws.tableKept) this.#tell(buffers);
  }

  #tell(buffers: readonly Buffer[]): void {
    for (const buffer of buffers)
      for (const { header } of batchesOf(buffer)) {
        const { producer, baseOffset: offset, count, epoch } = header;
        if (producer) this.#told.set(repeatKey(producer), { kind: 'repeat', offset, count, epoch });
      }
  }

  sync(): Promise<Synced> {
    return this.inner.sync();
  }

  async truncate(end: number): Promise<void> {
    this.shadow = this.shadow.filter((batch) => batch.end <= end);
    this.onShrunk();
    await this.inner.truncate(end);
  }

  addPair(pair: EpochPair): Promise<void> {
    return this.inner.addPair(pair);
  }
  cutPairsAbove(epoch: number): Promise<void> {
    return this.inner.cutPairsAbove(epoch);
  }

  async reset(first: number, pairs: readonly EpochPair[], producers: Buffer): Promise<void> {
    this.shadow = [];
    await this.inner.reset(first, pairs, producers);
    this.onShrunk();
  }

  read(offset: number, limits: { maxBytes: number; below: number }): Promise<Buffer[]> {
    return this.inner.read(offset, limits);
  }
  readRecent(offset: number, limits: { maxBytes: number; below: number }): Buffer[] | null {
    return this.inner.readRecent(offset, limits);
  }
  offsetAt(timestampMs: number): Promise<number> {
    return this.inner.offsetAt(timestampMs);
  }

  judge(stamp: ProducerStamp, count: number, crc: number): ProducerVerdict {
    return this.#told.get(repeatKey(stamp)) ?? this.inner.judge(stamp, count, crc);
  }

  producer(id: bigint): ProducerState | null {
    return this.inner.producer(id);
  }
  producersAt(offset: number): Promise<Buffer> {
    return this.inner.producersAt(offset);
  }
  noteCommit(commit: number): void {
    this.inner.noteCommit(commit);
  }

  async retain(policy: {
    maxBytes: number;
    maxAgeMs: number;
    nowMs: number;
    commit: number;
  }): Promise<number> {
    const first = await this.inner.retain(policy);
    this.#dropBelow(first);
    return first;
  }

  async deleteBelow(first: number): Promise<void> {
    await this.inner.deleteBelow(first);
    this.#dropBelow(this.inner.first);
  }

  #dropBelow(first: number): void {
    this.onDropped(this.shadow.filter(({ end }) => end <= first));
    this.shadow = this.shadow.filter(({ end }) => end > first);
    this.onShrunk();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

export function describe(buffer: Buffer): Batch[] {
  const found: Batch[] = [];
  for (const { header, bytes } of batchesOf(buffer)) {
    const { baseOffset: base, count, epoch, crc: headerCrc, maxTimestampMs: timestampMs, producer } = header;
    const crc = contentCrc(bytes);
    found.push({ base, end: base + count, epoch, crc, headerCrc, timestampMs, producer });
  }
  return found;
}

const READ_BYTES = 1 << 20;

/** What a log that was just opened holds. */
export async function readAll(log: Log): Promise<Batch[]> {
  const found: Batch[] = [];
  for (let at = log.first; at < log.end; ) {
    const buffers = await log.read(at, { maxBytes: READ_BYTES, below: log.end });
    if (buffers.length === 0) throw new Error(`the log has nothing at ${at}, its end is ${log.end}`);
    for (const buffer of buffers) found.push(...describe(buffer));
    at = found.at(-1)?.end ?? log.end;
  }
  return found;
}
