// Records as a record batch, written as they are handed over: a batch is encoded once, by the client, and from here on its bytes
// are what loggers store, replicate and serve (docs/reference/on-disk-format.md). What is known only when it is sent, the
// producer's stamp, is in the header, which is written then.
import { HEADER_SIZE_BYTES, VarintReader, varintSize, writeHeader, writeVarint } from '../log/format.ts';
import type { Stamp } from './producer-stamps.ts';
import type { RecordToSend, Sendable } from './types.ts';

const FIRST_SIZE_BYTES = 4096;
/** Attributes and timestamp delta, both 0, take a byte each. */
const FIXED_BYTES = 2;
/** An absent key has length -1. */
const ABSENT = -1;
/** Most that a record takes besides key and value: its length, its delta, two lengths, and single bytes. */
const OVERHEAD_BYTES_MAX = 5 + FIXED_BYTES + 5 + 5 + 5 + 1;

/** Where the records of one send are in a builder's bytes. */
export interface Span {
  readonly from: number;
  readonly count: number;
}

export class BatchBuilder {
  #bytes: Buffer;
  #size: number = HEADER_SIZE_BYTES;
  #count = 0;

  /** `bytes` may hold anything: it is the memory to begin with. */
  constructor(bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_SIZE_BYTES)) {
    this.#bytes = bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of the batch so far, with its header. */
  get sizeBytes(): number {
    return this.#size;
  }

  /** The memory behind it, to be used again once nobody reads the batch any more. */
  get memory(): Buffer {
    return this.#bytes;
  }

  /**
   * Writes records, all or none, and returns their number. Throws TypeError for what is no record, and for text that is not
   * well-formed: UTF-8 could not carry it.
   */
  add(records: Sendable | readonly Sendable[]): number {
    const from = this.#size;
    const before = this.#count;
    try {
      if (!Array.isArray(records)) this.#addOne(records as Sendable);
      else for (const record of records as readonly Sendable[]) this.#addOne(record);
      if (this.#count === before) throw new TypeError('no record to send');
    } catch (error) {
      this.#size = from;
      this.#count = before;
      throw error;
    }
    return this.#count - before;
  }

  /** Takes the last send out again. */
  undo({ from, count }: Span): void {
    this.#size = from;
    this.#count -= count;
  }

  #addOne(given: Sendable): void {
    if (typeof given === 'string' || given instanceof Uint8Array) this.#write(undefined, given);
    else this.#write((given as RecordToSend).key, given.value);
  }

  #write(key: string | Uint8Array | undefined, value: string | Uint8Array): void {
    const keyBytes = key === undefined ? ABSENT : lengthOf(key, 'key');
    const valueBytes = lengthOf(value, 'value');
    this.#reserve(OVERHEAD_BYTES_MAX + Math.max(0, keyBytes) + valueBytes);
    const bytes = this.#bytes;
    const delta = this.#count;
    const body =
      FIXED_BYTES +
      varintSize(delta) +
      varintSize(keyBytes) +
      Math.max(0, keyBytes) +
      varintSize(valueBytes) +
      valueBytes +
      1;
    let at = writeVarint(bytes, body, this.#size);
    bytes[at] = 0;
    bytes[at + 1] = 0;
    at = writeVarint(bytes, delta, at + FIXED_BYTES);
    at = writeVarint(bytes, keyBytes, at);
    if (key !== undefined) at = put(bytes, key, keyBytes, at);
    at = writeVarint(bytes, valueBytes, at);
    at = put(bytes, value, valueBytes, at);
    bytes[at] = 0; // no headers
    this.#size = at + 1;
    this.#count = delta + 1;
  }

  #reserve(more: number): void {
    const needed = this.#size + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#size);
    this.#bytes = grown;
  }

  /** Copies the records of a send from another builder; only their numbers within the batch change. Returns where they begin. */
  copy(source: BatchBuilder, { from: position, count }: Span): number {
    const from = this.#size;
    const reader = new VarintReader(source.#bytes, position, source.#size);
    for (let copied = 0; copied < count; copied += 1) {
      const bodyBytes = reader.next();
      const end = reader.position + bodyBytes;
      reader.skip(FIXED_BYTES);
      reader.next(); // its number there
      const rest = source.#bytes.subarray(reader.position, end);
      reader.skip(rest.length);
      this.#writeCopied(rest);
    }
    return from;
  }

  #writeCopied(rest: Buffer): void {
    this.#reserve(OVERHEAD_BYTES_MAX + rest.length);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, FIXED_BYTES + varintSize(this.#count) + rest.length, this.#size);
    bytes[at] = 0;
    bytes[at + 1] = 0;
    at = writeVarint(bytes, this.#count, at + FIXED_BYTES);
    rest.copy(bytes, at);
    this.#size = at + rest.length;
    this.#count += 1;
  }

  /** The batch under this stamp: a view of the builder's memory. */
  seal(id: bigint, { epoch, sequence }: Stamp): Buffer {
    const batch = this.#bytes.subarray(0, this.#size);
    writeHeader(batch, this.#count, { timestampMs: 0, producer: { id, epoch, sequence } });
    return batch;
  }
}

function lengthOf(given: string | Uint8Array, what: string): number {
  if (typeof given === 'string') {
    if (!given.isWellFormed()) throw new TypeError(`the ${what} holds half of a surrogate pair`);
    return Buffer.byteLength(given);
  }
  if (!(given instanceof Uint8Array)) throw new TypeError(`the ${what} is neither a string nor bytes`);
  return given.length;
}

function put(bytes: Buffer, given: string | Uint8Array, length: number, at: number): number {
  if (typeof given === 'string') bytes.write(given, at, length, 'utf8');
  else bytes.set(given, at);
  return at + length;
}
