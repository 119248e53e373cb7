// What stands at each offset, as it was seen first; whatever is seen there later must be the same. And where each value stands,
// as it was seen first: another offset later is a record that stands twice, or moved.
import type { Evidence } from './anomalies.ts';
import { NONE } from './codes.ts';
import type { ReadRow } from './history.ts';
import { Numbers } from './numbers.ts';
import type { Recorded } from './record.ts';

/** A slot's source is a read, or ~append for one known by its acknowledgement alone. */
const isRead = (source: number): boolean => source >= 0;

export class Ledger {
  readonly #recorded: Recorded;
  readonly #slots = new Map<number, number>();
  readonly offset = new Numbers();
  readonly value = new Numbers();
  readonly epoch = new Numbers();
  readonly timestamp = new Numbers();
  readonly source = new Numbers();
  /** By the value's number: where it was seen first in a read, by which, and the one that ended first. */
  readonly foundAt = new Numbers();
  readonly foundBy = new Numbers();
  readonly seenEnd = new Numbers();
  readonly seenBy = new Numbers();
  /** Offsets that were seen with two values. */
  readonly disputed = new Set<number>();
  /** Values seen at two offsets, with the later sight. */
  readonly doubles = new Map<number, { readonly offset: number; readonly read: number }>();

  constructor(recorded: Recorded) {
    this.#recorded = recorded;
  }

  /** A value got a number: its columns grow. */
  newValue(): void {
    this.foundAt.push(NONE);
    this.foundBy.push(NONE);
    this.seenEnd.push(Number.POSITIVE_INFINITY);
    this.seenBy.push(NONE);
  }

  /** How many different offsets reads have seen. */
  get readOffsets(): number {
    let count = 0;
    for (let slot = 0; slot < this.source.length; slot += 1) if (isRead(this.source.at(slot))) count += 1;
    return count;
  }

  slot(offset: number): number | undefined {
    return this.#slots.get(offset);
  }

  /** Whether a read saw something there. */
  read(offset: number): boolean {
    const slot = this.#slots.get(offset);
    return slot !== undefined && isRead(this.source.at(slot));
  }

  /** A read got this row. */
  see([offset, text, epoch, timestampMs = NONE]: ReadRow, read: number): void {
    const value = this.#recorded.valueNumber(text);
    this.#place(value, offset, read);
    const slot = this.#slots.get(offset);
    if (slot === undefined) this.#add(offset, value, epoch, timestampMs, read);
    else if (this.value.at(slot) !== value) this.#dispute(offset, slot, value, read);
    else this.#compare(offset, slot, epoch, timestampMs, read);
  }

  #compare(offset: number, slot: number, epoch: number, timestampMs: number, read: number): void {
    const before = this.timestamp.at(slot);
    const timesDiffer = before !== NONE && timestampMs !== NONE && before !== timestampMs;
    if (this.epoch.at(slot) !== epoch || timesDiffer)
      this.#recorded.findings.add(
        'record-changed',
        `offset ${offset} was read with epoch ${this.epoch.at(slot)}${timesDiffer ? ` and timestamp ${before}` : ''}, and with epoch ${epoch}${timesDiffer ? ` and timestamp ${timestampMs}` : ''}`,
        () => [this.evidence(slot), this.#recorded.readEvidence(read)],
      );
  }

  /** An acknowledgement says that this value is here, and no read has been here. */
  claim(offset: number, value: number, epoch: number, append: number): void {
    const slot = this.#slots.get(offset);
    if (slot === undefined) this.#add(offset, value, epoch, NONE, ~append);
    else if (this.value.at(slot) !== value)
      this.#recorded.findings.add(
        'two-values',
        `two appends were acknowledged at offset ${offset}: ${this.#text(this.value.at(slot))} and ${this.#text(value)}`,
        () => [this.evidence(slot), this.#recorded.appendEvidence(append)],
      );
  }

  /** The call by which a slot is known. */
  evidence(slot: number): Evidence {
    const source = this.source.at(slot);
    return isRead(source) ? this.#recorded.readEvidence(source) : this.#recorded.appendEvidence(~source);
  }

  /** Slots in the order of their offsets. */
  inOrder(): Float64Array {
    return this.offset.order();
  }

  #add(offset: number, value: number, epoch: number, timestampMs: number, source: number): void {
    this.#slots.set(offset, this.offset.length);
    this.offset.push(offset);
    this.value.push(value);
    this.epoch.push(epoch);
    this.timestamp.push(timestampMs);
    this.source.push(source);
  }

  #place(value: number, offset: number, read: number): void {
    const end = this.#recorded.reads.end.at(read);
    if (end !== NONE && end < this.seenEnd.at(value)) {
      this.seenEnd.set(value, end);
      this.seenBy.set(value, read);
    }
    const found = this.foundAt.at(value);
    if (found === NONE) {
      this.foundAt.set(value, offset);
      this.foundBy.set(value, read);
    } else if (found !== offset && !this.doubles.has(value)) this.doubles.set(value, { offset, read });
  }

  #dispute(offset: number, slot: number, value: number, read: number): void {
    this.disputed.add(offset);
    this.#recorded.findings.add(
      'two-values',
      `offset ${offset} was read as ${this.#text(this.value.at(slot))} and as ${this.#text(value)}`,
      () => [this.evidence(slot), this.#recorded.readEvidence(read)],
    );
  }

  #text(value: number): string {
    return JSON.stringify(this.#recorded.values.text(value));
  }
}
