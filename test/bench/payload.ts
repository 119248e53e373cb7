// Records that can be checked: each begins with its number, and the rest is the same in all.
const NUMBER_CHARS = 12;
export const PAYLOAD_BYTES_MIN = NUMBER_CHARS + 1;

/** One record after another, in one buffer: the client takes its bytes at once, so that it can be written anew. */
export class Payload {
  readonly bytes: Buffer;
  #number = 0;

  constructor(sizeBytes: number) {
    if (sizeBytes < PAYLOAD_BYTES_MIN)
      throw new RangeError(`a record has at least ${PAYLOAD_BYTES_MIN} bytes`);
    this.bytes = Buffer.alloc(sizeBytes, '.');
    this.bytes.write('0'.repeat(NUMBER_CHARS), 'latin1');
  }

  /** How many records there have been. */
  get count(): number {
    return this.#number;
  }

  /** The next record: its bytes until the next call. */
  next(): Buffer {
    this.#number += 1;
    const digits = this.bytes;
    // Counts up in decimal in place, which costs less than making a string each time.
    for (let at = NUMBER_CHARS - 1; ; at -= 1) {
      if (digits[at] !== NINE) {
        digits[at] = (digits[at] ?? 0) + 1;
        return digits;
      }
      digits[at] = ZERO;
    }
  }
}

const ZERO = 0x30;
const NINE = 0x39;

/** The number of a record, or null for one that is not whole. */
export function numberOf(bytes: Buffer, sizeBytes: number): number | null {
  if (bytes.length !== sizeBytes || bytes[NUMBER_CHARS] !== 0x2e || bytes[sizeBytes - 1] !== 0x2e)
    return null;
  let number = 0;
  for (let at = 0; at < NUMBER_CHARS; at += 1) number = number * 10 + (bytes[at] ?? 0) - ZERO;
  return number;
}

/** The number that a record's text has at `at`; null when it is not all there. */
export function numberIn(text: string, at: number): number | null {
  if (text.length < at + NUMBER_CHARS) return null;
  return Number(text.slice(at, at + NUMBER_CHARS));
}
