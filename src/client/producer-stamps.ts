// Epoch and sequence of a producer's next batch (rule 9 of the protocol): the first batch of an epoch has sequence 0, each
// further one continues where the stored one before it ended, and a new epoch fences all older ones.

/** Both are fields of fixed width in Kafka's record batch. */
const MAX_EPOCH = 32_767;
const MAX_SEQUENCE = 2 ** 31 - 1;
/** Records that loggers take in one batch. */
export const BATCH_RECORDS_MAX = 65_536;

export interface Stamp {
  readonly epoch: number;
  readonly sequence: number;
}

export class ProducerStamps {
  #epoch = 0;
  #sequence = 0;
  /** Whether a batch of this epoch may have reached a logger. */
  #used = false;

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
    return stamp;
  }

  /** The batch with this stamp, the last that was given out, is not stored and never will be: the next one takes its place. */
  takeBack({ epoch, sequence }: Stamp): void {
    if (epoch === this.#epoch) this.#sequence = sequence;
  }

  /** Leaves this epoch, and with it whatever of it is still under way. */
  abandon(): void {
    this.#begin(this.#epoch + 1);
  }

  /** Begins an epoch above this one and above `known`, the one that the log knows; null when it knows none. */
  beginEpochAfter(known: number | null): void {
    const own = this.#used ? this.#epoch + 1 : this.#epoch;
    this.#begin(Math.max(own, known === null ? 0 : known + 1));
  }

  #begin(epoch: number): void {
    this.#epoch = epoch;
    this.#sequence = 0;
    this.#used = false;
  }
}
