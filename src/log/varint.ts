// Kafka's variable-length integers (those of Protocol Buffers): seven bits a byte, lowest first, signs folded in by
// zigzag so that small negative numbers stay short. Written for numbers, not BigInt: record fields are below 2^31,
// and the one 64-bit field, a record's timestamp delta, is read exactly up to 2^52.

const CONTINUES = 0x80;
const PAYLOAD = 0x7f;
/** Longest encoding of a 64-bit number; anything longer is not a varint. */
const VARLONG_MAX_BYTES = 10;

/** Bytes that `writeVarint` takes for `value`, a signed 32-bit number. */
export function varintSize(value: number): number {
  const folded = ((value << 1) ^ (value >> 31)) >>> 0;
  if (folded < 0x80) return 1;
  if (folded < 0x4000) return 2;
  if (folded < 0x20_0000) return 3;
  return folded < 0x1000_0000 ? 4 : 5;
}

/** Writes a signed 32-bit number; returns the position after it. */
export function writeVarint(target: Uint8Array, value: number, at: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let position = at;
  while (rest >= CONTINUES) {
    target[position] = (rest & PAYLOAD) | CONTINUES;
    position += 1;
    rest >>>= 7;
  }
  target[position] = rest;
  return position + 1;
}

/** A reader that walks over one buffer. Throws RangeError where the bytes end early or are no varint. */
export class VarintReader {
  readonly bytes: Uint8Array;
  position: number;
  readonly limit: number;

  constructor(bytes: Uint8Array, position: number, limit: number) {
    this.bytes = bytes;
    this.position = position;
    this.limit = limit;
  }

  /** A signed number of up to 64 bits; exact up to 2^52. */
  next(): number {
    let folded = 0;
    let scale = 1;
    for (let count = 0; count < VARLONG_MAX_BYTES; count += 1) {
      const byte = this.byte();
      folded += (byte & PAYLOAD) * scale;
      if (byte < CONTINUES) return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
      scale *= 0x80;
    }
    throw new RangeError('a number is longer than 64 bits');
  }

  byte(): number {
    if (this.position >= this.limit) throw new RangeError('the bytes end inside a record');
    const byte = this.bytes[this.position] as number;
    this.position += 1;
    return byte;
  }

  /** Skips `length` bytes and returns where they began. */
  skip(length: number): number {
    const from = this.position;
    if (length < 0 || length > this.limit - from) throw new RangeError('a length points beyond the record');
    this.position = from + length;
    return from;
  }
}
