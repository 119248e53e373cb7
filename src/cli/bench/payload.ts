// Records that tell whose they are: each begins with the run, the producer and its number, and dots fill it up.
import { RECORD_BYTES_MIN } from '../bench-arguments.ts';

const RUN_CHARS = 8;
const PRODUCER_CHARS = 3;
const NUMBER_CHARS = 12;
const PATTERN = /^([0-9a-f]{8})\.(\d{3})\.(\d{12})\.*$/;

export class Payload {
  readonly #bytes: Buffer;
  #number = 0;

  /** `run` has 8 hexadecimal digits, `producer` is below 1000. */
  constructor(run: string, producer: number, sizeBytes: number) {
    if (sizeBytes < RECORD_BYTES_MIN) throw new RangeError(`a record has at least ${RECORD_BYTES_MIN} bytes`);
    this.#bytes = Buffer.alloc(sizeBytes, '.');
    this.#bytes.write(`${run}.${String(producer).padStart(PRODUCER_CHARS, '0')}.`, 'latin1');
  }

  /** The next record, numbered from 0 on: its bytes until the next call, for the client takes them at once. */
  next(): Buffer {
    const at = RUN_CHARS + PRODUCER_CHARS + 2;
    this.#bytes.write(String(this.#number).padStart(NUMBER_CHARS, '0'), at, 'latin1');
    this.#number += 1;
    return this.#bytes;
  }
}

export interface Origin {
  readonly producer: number;
  readonly number: number;
}

/** Whose a record is; null for one that is not of this run, or damaged. */
export function originOf(value: string | Uint8Array, run: string, sizeBytes: number): Origin | null {
  if (typeof value !== 'string' || value.length !== sizeBytes) return null;
  const match = PATTERN.exec(value);
  return match?.[1] === run ? { producer: Number(match[2]), number: Number(match[3]) } : null;
}
