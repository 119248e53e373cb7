// A log without files, for the simulation of the protocol alone: the same interface and the same promises about what
// survives a crash as src/log, at a fraction of the cost.
import { LoggerError } from '../../src/errors.ts';
import { batchesOf, contentCrc, readHeader } from '../../src/log/batch.ts';
import type {
  EpochPair,
  Log,
  Position,
  ProducerStamp,
  ProducerState,
  ProducerVerdict,
  ReplicaState,
  StateFile,
  Synced,
} from '../../src/log/types.ts';
import type { Owner, World } from './world.ts';

interface Stored {
  readonly base: number;
  readonly end: number;
  readonly bytes: Buffer;
}

interface Told {
  readonly base: number;
  readonly count: number;
  readonly epoch: number;
  readonly crc: number;
  readonly stamp: ProducerStamp;
}

/** What is on the disk of one logger: it outlives the process. */
export interface ModelVolume {
  uid: string;
  first: number;
  batches: Stored[];
  syncedEnd: number;
  pairs: EpochPair[];
  commit: number;
  state: ReplicaState;
  full: boolean;
  slow: { recordsMs: number; pairsMs: number; stateMs: number };
  /** A restart keeps pairs that begin beyond the end. */
  keepPairs: boolean;
  /** Producers' batches below `first`, as a restart brought them. */
  table: Told[];
}

export const emptyVolume = (uid: string): ModelVolume => ({
  uid,
  first: 0,
  batches: [],
  syncedEnd: 0,
  pairs: [],
  commit: 0,
  state: {
    promisedEpoch: 0,
    promisedIncarnation: null,
    members: [],
    membersVersion: { epoch: 0, revision: 0 },
  },
  full: false,
  slow: { recordsMs: 0, pairsMs: 0, stateMs: 0 },
  keepPairs: false,
  table: [],
});

/** What a crash leaves: all that was synced, and any part of the rest. */
export function crashVolume(volume: ModelVolume, world: World): void {
  const end = volume.batches.at(-1)?.end ?? volume.first;
  const keep = world.random.chance(0.5) ? volume.syncedEnd : world.random.whole(volume.syncedEnd, end);
  volume.batches = volume.batches.filter((batch) => batch.end <= Math.max(keep, volume.syncedEnd));
  const left = volume.batches.at(-1)?.end ?? volume.first;
  if (!volume.keepPairs) volume.pairs = volume.pairs.filter(({ start }) => start <= left);
  volume.syncedEnd = left;
}

export interface ModelFlaws {
  /** A pair is stored before its records, and a restart believes it. */
  readonly pairBeforeLog?: boolean;
  readonly tableKeptOverCut?: boolean;
}

export class ModelLog implements Log {
  readonly volume: ModelVolume;
  readonly #world: World;
  readonly #owner: Owner;
  readonly #flaws: ModelFlaws;
  generation = 1;
  #table: Told[];
  #syncing: Promise<Synced> | null = null;

  constructor(volume: ModelVolume, world: World, owner: Owner, flaws: ModelFlaws = {}) {
    this.volume = volume;
    this.#world = world;
    this.#owner = owner;
    this.#flaws = flaws;
    this.#table = this.#rebuilt();
    volume.keepPairs = flaws.pairBeforeLog === true;
  }

  get uid(): string {
    return this.volume.uid;
  }
  get first(): number {
    return this.volume.first;
  }
  get end(): number {
    return this.volume.batches.at(-1)?.end ?? this.volume.first;
  }
  get syncedEnd(): number {
    return this.volume.syncedEnd;
  }
  get pairs(): readonly EpochPair[] {
    return this.volume.pairs;
  }
  get position(): Position {
    return { epoch: this.pairs.at(-1)?.epoch ?? 0, end: this.end };
  }
  get storedCommit(): number {
    return Math.min(this.volume.commit, this.end);
  }
  get sizeBytes(): number {
    return this.volume.batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
  readonly segmentCount = 1;
  readonly lastTimestampMs = 0;
  get full(): boolean {
    return this.volume.full;
  }

  #disk(extraMs = 0): Promise<void> {
    const { random } = this.#world;
    const ms = random.chance(0.02) ? random.skewed(1, 200) : 0.2 + random.next();
    return this.#world.sleep(ms + extraMs, this.#owner);
  }

  #rebuilt(): Told[] {
    const told = this.volume.table.slice();
    for (const { bytes } of this.volume.batches) note(told, bytes);
    return told;
  }

  append(buffers: readonly Buffer[]): void {
    if (this.volume.full) throw new LoggerError('disk-full');
    for (const buffer of buffers) {
      for (const { header, bytes } of batchesOf(buffer)) {
        if (header.baseOffset !== this.end)
          throw new RangeError(`batch at ${header.baseOffset}, end ${this.end}`);
        this.volume.batches.push({ base: header.baseOffset, end: header.baseOffset + header.count, bytes });
        note(this.#table, bytes);
      }
    }
  }

  sync(): Promise<Synced> {
    this.#syncing ??= this.#sync();
    return this.#syncing;
  }

  async #sync(): Promise<Synced> {
    await Promise.resolve();
    this.#syncing = null;
    const { end, generation } = this;
    await this.#disk(this.volume.slow.recordsMs);
    // The disk is done, but who asked may hear of it late.
    if (generation === this.generation) this.volume.syncedEnd = Math.max(this.volume.syncedEnd, end);
    if (this.#world.random.chance(0.2)) await this.#disk();
    return { end, generation };
  }

  async truncate(end: number): Promise<void> {
    this.generation += 1;
    const former = this.#table;
    this.volume.batches = this.volume.batches.filter((batch) => batch.end <= end);
    this.volume.syncedEnd = Math.min(this.volume.syncedEnd, end);
    this.#table = this.#flaws.tableKeptOverCut ? former : this.#rebuilt();
    await this.#disk();
    this.volume.pairs = this.volume.pairs.filter(({ start }) => start <= end);
    await this.#disk();
  }

  async addPair(pair: EpochPair): Promise<void> {
    if (!this.#flaws.pairBeforeLog) while (this.syncedEnd < pair.start) await this.sync();
    await this.#disk(this.volume.slow.pairsMs);
    this.volume.pairs = [...this.volume.pairs, pair];
  }

  async cutPairsAbove(epoch: number): Promise<void> {
    await this.#disk();
    this.volume.pairs = this.volume.pairs.filter((pair) => pair.epoch <= epoch || pair.start < this.end);
  }

  async reset(first: number, pairs: readonly EpochPair[], producers: Buffer): Promise<void> {
    await this.#disk();
    this.generation += 1;
    this.volume.first = first;
    this.volume.batches = [];
    this.volume.syncedEnd = first;
    this.volume.pairs = [...pairs];
    this.volume.commit = first;
    this.volume.table = (JSON.parse(producers.toString()) as Told[]).map((told) => ({
      ...told,
      stamp: { ...told.stamp, id: BigInt(told.stamp.id) },
    }));
    this.#table = this.#rebuilt();
  }

  async read(offset: number, limits: { maxBytes: number; below: number }): Promise<Buffer[]> {
    await this.#disk();
    return this.#find(offset, limits);
  }

  readRecent(offset: number, limits: { maxBytes: number; below: number }): Buffer[] | null {
    return this.end - offset > 20 ? null : this.#find(offset, limits);
  }

  #find(offset: number, { maxBytes, below }: { maxBytes: number; below: number }): Buffer[] {
    const { batches } = this.volume;
    const found: Buffer[] = [];
    let size = 0;
    let at = batches.length;
    while (at > 0 && batches[at - 1]!.end > offset) at -= 1;
    for (; at < batches.length && batches[at]!.end <= below; at += 1) {
      const { bytes } = batches[at]!;
      if (found.length > 0 && size + bytes.length > maxBytes) break;
      found.push(bytes);
      size += bytes.length;
    }
    return found;
  }

  async offsetAt(): Promise<number> {
    return this.end;
  }

  judge(stamp: ProducerStamp, count: number, crc: number): ProducerVerdict {
    const own = this.#table.filter(({ stamp: { id } }) => id === stamp.id);
    const last = own.at(-1);
    if (!last) return stamp.sequence === 0 ? { kind: 'next' } : { kind: 'refused', code: 'sequence-gap' };
    if (stamp.epoch < last.stamp.epoch) return { kind: 'refused', code: 'producer-fenced' };
    const same = own.find(
      (told) => told.stamp.epoch === stamp.epoch && told.stamp.sequence === stamp.sequence,
    );
    if (same) {
      if (same.crc !== crc || same.count !== count) return { kind: 'refused', code: 'sequence-conflict' };
      return { kind: 'repeat', offset: same.base, count, epoch: same.epoch };
    }
    const next = stamp.epoch > last.stamp.epoch ? 0 : last.stamp.sequence + last.count;
    return stamp.sequence === next ? { kind: 'next' } : { kind: 'refused', code: 'sequence-gap' };
  }

  producer(id: bigint): ProducerState | null {
    const last = this.#table.findLast(({ stamp }) => stamp.id === id);
    if (!last) return null;
    const { base, count, stamp } = last;
    return { id, epoch: stamp.epoch, lastSequence: stamp.sequence + count - 1, lastOffset: base + count - 1 };
  }

  async producersAt(offset: number): Promise<Buffer> {
    const told = this.volume.table.slice();
    for (const { bytes, end } of this.volume.batches) if (end <= offset) note(told, bytes);
    return Buffer.from(
      JSON.stringify(told, (_, value) => (typeof value === 'bigint' ? value.toString() : value)),
    );
  }

  noteCommit(commit: number): void {
    if (this.#world.random.chance(0.2))
      this.volume.commit = Math.max(this.volume.commit, Math.min(commit, this.syncedEnd));
  }

  async retain({ maxBytes, commit }: { maxBytes: number; commit: number }): Promise<number> {
    let size = this.sizeBytes;
    let first = this.first;
    for (const { bytes, end } of this.volume.batches) {
      if (size <= maxBytes || end > commit || end > this.syncedEnd) break;
      size -= bytes.length;
      first = end;
    }
    await this.deleteBelow(first);
    return this.first;
  }

  async deleteBelow(first: number): Promise<void> {
    const gone = this.volume.batches.filter(({ end }) => end <= Math.min(first, this.syncedEnd));
    for (const { bytes } of gone) note(this.volume.table, bytes);
    this.volume.batches = this.volume.batches.slice(gone.length);
    this.volume.first = gone.at(-1)?.end ?? this.volume.first;
    await this.#disk();
  }

  async close(): Promise<void> {}
}

function note(table: Told[], bytes: Buffer): void {
  const { producer, baseOffset, count, epoch } = readHeader(bytes, 0);
  if (producer) table.push({ base: baseOffset, count, epoch, crc: contentCrc(bytes), stamp: producer });
}

export class ModelState implements StateFile {
  readonly #volume: ModelVolume;
  readonly #world: World;
  readonly #owner: Owner;

  constructor(volume: ModelVolume, world: World, owner: Owner) {
    this.#volume = volume;
    this.#world = world;
    this.#owner = owner;
  }

  get value(): ReplicaState {
    return this.#volume.state;
  }

  async save(value: ReplicaState): Promise<void> {
    await this.#world.sleep(0.3 + this.#world.random.next() + this.#volume.slow.stateMs, this.#owner);
    this.#volume.state = value;
    await this.#world.sleep(0.1, this.#owner);
  }
}
