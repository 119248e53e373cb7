// What one producer of a bench was told: which offset each of its records has. Records of a batch have offsets in a row, so
// runs of them are kept instead of each.

/** Runs kept at most, of 16 bytes: beyond that records are counted and no longer checked. */
export const RUNS_MAX = 1_000_000;
const FIRST_RUNS = 1024;

export interface Found {
  /** Acknowledged, and not in the log below the last one that is. */
  readonly lost: number;
  /** In the log twice, or out of the order in which they were sent. */
  readonly repeated: number;
  /** At another offset than was told. */
  readonly misplaced: number;
}

export class Acknowledged {
  /** Number of the first record of each run, and its offset. */
  #numbers = new Float64Array(FIRST_RUNS);
  #offsets = new Float64Array(FIRST_RUNS);
  #runs = 0;
  #count = 0;
  #checked = 0;
  #first: number | null = null;
  #last = -1;
  #outOfOrder = 0;
  readonly #runsMax: number;
  // The reader's place.
  #at = 0;
  #expected = 0;
  #lost = 0;
  #repeated = 0;
  #misplaced = 0;

  constructor(runsMax: number = RUNS_MAX) {
    this.#runsMax = runsMax;
  }

  /** The next record, in the order sent, has this offset. */
  add(offset: number): void {
    if (offset <= this.#last) this.#outOfOrder += 1;
    if (offset !== this.#last + 1 || this.#runs === 0) this.#begin(offset);
    this.#first ??= offset;
    this.#last = Math.max(this.#last, offset);
    if (this.#checked === this.#count && this.#runs <= this.#runsMax) this.#checked += 1;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** How many records, the first ones, will be checked. */
  get checked(): number {
    return this.#checked;
  }

  /** Offset of the first record; null when there was none. */
  get first(): number | null {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  /** The log, read from `first` on, has the record of this number at this offset. */
  found(number: number, offset: number): void {
    if (number >= this.#checked) return; // not acknowledged, or not kept
    if (number < this.#expected) {
      this.#repeated += 1;
      return;
    }
    this.#lost += number - this.#expected;
    this.#expected = number + 1;
    const kept = Math.min(this.#runs, this.#runsMax);
    while (this.#at + 1 < kept && (this.#numbers[this.#at + 1] as number) <= number) this.#at += 1;
    const told = (this.#offsets[this.#at] as number) + number - (this.#numbers[this.#at] as number);
    if (told !== offset) this.#misplaced += 1;
  }

  /** Once all is read. */
  get result(): Found {
    return {
      lost: this.#lost + this.#checked - this.#expected,
      repeated: this.#repeated + this.#outOfOrder,
      misplaced: this.#misplaced,
    };
  }

  #begin(offset: number): void {
    this.#runs += 1;
    if (this.#runs > this.#runsMax) return;
    if (this.#runs > this.#numbers.length) {
      this.#numbers = grown(this.#numbers);
      this.#offsets = grown(this.#offsets);
    }
    this.#numbers[this.#runs - 1] = this.#count;
    this.#offsets[this.#runs - 1] = offset;
  }
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
