// The table behind exactly-once appends (rule 9 of the protocol): per producer its epoch, its last sequence and its last
// few batches. It must be the same on every replica and after every cut, so it is a function of the batches alone, in
// their order: no clock, and nothing is forgotten but by a batch of a producer. What makes room is
//   - a bound on the number of producers: the one whose last batch is the oldest goes first;
//   - age in record timestamps: a producer whose last batch is PRODUCER_EXPIRY_MS older than the one just applied goes.
// Only batches with a producer change the table, so a cut that removes none of them leaves it as it is.
import { SEQUENCE_MODULUS } from './batch.ts';
import type { BatchHeader, ProducerStamp, ProducerState, ProducerVerdict } from './types.ts';

export const PRODUCERS_MAX = 10_000;
export const PRODUCER_EXPIRY_MS = 7 * 24 * 3600 * 1000;
/** Batches remembered per producer, to recognize repeats: also how many it may have under way. Kafka's number. */
export const BATCHES_PER_PRODUCER = 5;

export interface StoredBatch {
  readonly sequence: number;
  readonly count: number;
  readonly offset: number;
  /** `contentCrc` of the batch. */
  readonly crc: number;
  /** Epoch of the log under which it was stored. */
  readonly logEpoch: number;
}

/** Never changed, only replaced: a copy of the table shares its entries. */
export interface ProducerEntry {
  readonly epoch: number;
  readonly timestampMs: number;
  /** From one to BATCHES_PER_PRODUCER, the oldest first; all of `epoch`. */
  readonly batches: readonly StoredBatch[];
}

/**
 * A producer's place in the order. A Map keeps an order too, but one that is moved to its end by every batch makes a new table in
 * V8's old space every few batches, which only a collection of the whole heap frees.
 */
interface Place {
  readonly id: bigint;
  entry: ProducerEntry;
  older: Place | null;
  newer: Place | null;
}

const lastBatch = (entry: ProducerEntry): StoredBatch => entry.batches.at(-1) as StoredBatch;
const sequenceAfter = ({ sequence, count }: StoredBatch): number => (sequence + count) % SEQUENCE_MODULUS;

export class ProducerTable {
  readonly #places = new Map<bigint, Place>();
  /** Ends of the order by each producer's last batch. */
  #oldest: Place | null = null;
  #newest: Place | null = null;

  /** Producers each once, that of the oldest last batch first. */
  constructor(entries: Iterable<readonly [bigint, ProducerEntry]> = []) {
    for (const [id, entry] of entries) this.#put(id, entry);
  }

  get size(): number {
    return this.#places.size;
  }

  /** That of the oldest last batch first. */
  *entries(): Generator<readonly [bigint, ProducerEntry], void, void> {
    for (let place = this.#oldest; place; place = place.newer) yield [place.id, place.entry];
  }

  copy(): ProducerTable {
    return new ProducerTable(this.entries());
  }

  state(id: bigint): ProducerState | null {
    const entry = this.#places.get(id)?.entry;
    if (!entry) return null;
    const { sequence, count, offset } = lastBatch(entry);
    const lastSequence = (sequence + count - 1) % SEQUENCE_MODULUS;
    return { id, epoch: entry.epoch, lastSequence, lastOffset: offset + count - 1 };
  }

  judge(stamp: ProducerStamp, count: number, crc: number): ProducerVerdict {
    const entry = this.#places.get(stamp.id)?.entry;
    if (!entry || stamp.epoch > entry.epoch) {
      if (!this.#isAfter(stamp)) return { kind: 'refused', code: 'producer-moved' };
      return stamp.sequence === 0 ? { kind: 'next' } : { kind: 'refused', code: 'sequence-gap' };
    }
    if (stamp.epoch < entry.epoch) return { kind: 'refused', code: 'producer-fenced' };
    const stored = entry.batches.find(({ sequence }) => sequence === stamp.sequence);
    if (stored && stored.count === count && stored.crc === crc)
      return { kind: 'repeat', offset: stored.offset, count, epoch: stored.logEpoch };
    if (!this.#isAfter(stamp)) return { kind: 'refused', code: 'producer-moved' };
    const next = sequenceAfter(lastBatch(entry));
    if (stamp.sequence === next) return { kind: 'next' };
    // Sequences wrap, so what lies ahead is told from what lies behind by the shorter way round.
    const ahead = (stamp.sequence - next + SEQUENCE_MODULUS) % SEQUENCE_MODULUS;
    return { kind: 'refused', code: ahead < SEQUENCE_MODULUS / 2 ? 'sequence-gap' : 'sequence-conflict' };
  }

  /** Whether the producer's last batch is the one that the stamp builds on, where it names one. */
  #isAfter({ id, after }: ProducerStamp): boolean {
    if (after === undefined) return true;
    const state = this.state(id);
    if (after === null || state === null) return after === state;
    return state.epoch === after.epoch && state.lastSequence === after.lastSequence;
  }

  /** Takes in a batch that is part of the log; batches come in order, each once. `crc` is its `contentCrc`. */
  apply(header: BatchHeader, crc: number): void {
    const { producer, baseOffset, count, epoch, maxTimestampMs } = header;
    if (!producer) return;
    const former = this.#places.get(producer.id)?.entry;
    const batch: StoredBatch = {
      sequence: producer.sequence,
      count,
      offset: baseOffset,
      crc,
      logEpoch: epoch,
    };
    const kept = former?.epoch === producer.epoch ? former.batches.slice(1 - BATCHES_PER_PRODUCER) : [];
    this.#put(producer.id, {
      epoch: producer.epoch,
      timestampMs: maxTimestampMs,
      batches: [...kept, batch],
    });
    this.#expire(maxTimestampMs);
  }

  /** As the newest. */
  #put(id: bigint, entry: ProducerEntry): void {
    let place = this.#places.get(id);
    if (place) {
      place.entry = entry;
      if (place === this.#newest) return;
      this.#unlink(place);
    } else {
      place = { id, entry, older: null, newer: null };
      this.#places.set(id, place);
    }
    place.older = this.#newest;
    place.newer = null;
    if (this.#newest) this.#newest.newer = place;
    else this.#oldest = place;
    this.#newest = place;
  }

  #unlink(place: Place): void {
    const { older, newer } = place;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
  }

  #expire(nowMs: number): void {
    for (let oldest = this.#oldest; oldest; oldest = this.#oldest) {
      const old = nowMs - oldest.entry.timestampMs > PRODUCER_EXPIRY_MS;
      if (!old && this.#places.size <= PRODUCERS_MAX) return;
      this.#unlink(oldest);
      this.#places.delete(oldest.id);
    }
  }

  /** True when a batch at or after `offset` has left a trace. Without one, a cut to `offset` changes nothing here. */
  touchedFrom(offset: number): boolean {
    // Offsets only grow: none is higher than that of the newest.
    return this.#newest !== null && lastBatch(this.#newest.entry).offset >= offset;
  }
}
