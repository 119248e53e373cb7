// Epoch and sequence of a producer's next batch (rule 9 of the protocol): the first batch of an epoch has sequence 0, each
// further one continues where the stored one before it ended, and a new epoch fences all older ones. The first batch after a
// `resume` names the batch that it builds on, so that nothing of an older epoch comes between the two.
import type { ProducerMark } from '../log/types.ts';

/** Both are fields of fixed width in Kafka's record batch. */
const MAX_EPOCH = 32_767;
const MAX_SEQUENCE = 2 ** 31 - 1;
/** Records that loggers take in one batch. */
export const BATCH_RECORDS_MAX = 65_536;

export interface Stamp {
  readonly epoch: number;
  readonly sequence: number;
  /** What the log must hold last of this producer; null: nothing. */
  readonly after?: ProducerMark | null;
}

export class ProducerStamps {
  #epoch = 0;
  #sequence = 0;
  /** Whether a batch of this epoch may have reached a logger. */
  #used = false;
  /** What `resume` found, until a batch is stored or may be. */
  #after: ProducerMark | null | undefined = undefined;

  get epoch(): number {
    return this.#epoch;
  }

  /** True while a batch as large as batches get fits into this epoch. */
  get hasRoom(): boolean {
    return this.#sequence + BATCH_RECORDS_MAX - 1 <= MAX_SEQUENCE;
  }

  /** The stamp of the next batch, of `count` records. Null when epochs have run out. */
  next(count: number): Stamp | null {
    if (this.#sequence + count - 1 > MAX_SEQUENCE) this.abandon();
    if (this.#epoch > MAX_EPOCH) return null;
    this.#used = true;
    const stamp = { epoch: this.#epoch, sequence: this.#sequence };
    this.#sequence += count;
    const after = this.#after;
    return stamp.sequence === 0 && after !== undefined ? { ...stamp, after } : stamp;
  }

  /** The batch with this stamp, the last that was given out, is not stored and never will be: the next one takes its place. */
  takeBack({ epoch, sequence }: Stamp): void {
    if (epoch === this.#epoch) this.#sequence = sequence;
  }

  /** A batch is stored, or may be: what `resume` found is no longer the last one. */
  advanced(): void {
    this.#after = undefined;
  }

  /** Leaves this epoch, and with it whatever of it is still under way. */
  abandon(): void {
    this.#begin(this.#epoch + 1);
  }

  /** Begins an epoch above this one and above that of `known`, which the log holds last; null when it knows none. */
  beginEpochAfter(known: ProducerMark | null): void {
    const own = this.#used ? this.#epoch + 1 : this.#epoch;
    this.#begin(Math.max(own, known === null ? 0 : known.epoch + 1));
    this.#after = known && { epoch: known.epoch, lastSequence: known.lastSequence };
  }

  #begin(epoch: number): void {
    this.#epoch = epoch;
    this.#sequence = 0;
    this.#used = false;
  }
}
