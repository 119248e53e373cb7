// A growing list of numbers in eight bytes each: a history of a million calls is kept as columns of these, not as objects.
const FIRST_CAPACITY = 1024;

export class Numbers {
  #values = new Float64Array(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  at(index: number): number {
    if (!(index >= 0 && index < this.#length)) throw new RangeError(`${index} of ${this.#length}`);
    return this.#values[index] as number;
  }

  set(index: number, value: number): void {
    if (!(index >= 0 && index < this.#length)) throw new RangeError(`${index} of ${this.#length}`);
    this.#values[index] = value;
  }

  /** All indices, sorted by their values; equal ones stay in order. */
  order(): Float64Array {
    const values = this.#values;
    return Float64Array.from({ length: this.#length }, (_, index) => index).sort(
      (a, b) => (values[a] as number) - (values[b] as number) || a - b,
    );
  }
}
