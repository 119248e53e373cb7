// Frames: what a TCP stream is cut into. Big-endian, four words in front:
//
//   u32 length of all that follows | u32 header length | u32 CRC-32C of payload | u32 CRC-32C of the words before and the
//   header | header (JSON) | payload
//
// The header is JSON since it is small and its cost is per batch, not per record; record batches travel in the payload
// as they lie on disk. Sending passes them by reference, receiving copies a byte at most once: a payload that came in
// one piece is a view of that piece, a larger one is collected in one allocation, made only after the CRC vouched for
// its length.
import { crc32c } from '@node-rs/crc32';
import { PAYLOAD_BYTES_MAX } from '../limits.ts';
import { HEADER_BYTES_MAX, HELLO_BYTES_MAX } from './limits.ts';

const PREFIX_BYTES = 16;
const CRC_AT = 12;
const EMPTY = Buffer.alloc(0);

/** The other side does not speak our protocol, or bytes were damaged. The connection cannot be used any more. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
}

export interface Frame {
  /** Parsed JSON, of unknown shape. */
  readonly header: unknown;
  readonly payload: Buffer;
}

/**
 * The frame as buffers to be written one after the other. Throws RangeError when it exceeds the bounds. `knownCrc` is that of the
 * payload.
 */
export function encodeFrame(header: object, payload: readonly Buffer[] = [], knownCrc?: number): Buffer[] {
  const json = JSON.stringify(header);
  const headerBytes = Buffer.byteLength(json);
  let payloadBytes = 0;
  let payloadCrc = knownCrc ?? 0;
  for (const part of payload) {
    payloadBytes += part.length;
    if (knownCrc === undefined) payloadCrc = crc32c(part, payloadCrc);
  }
  if (headerBytes > HEADER_BYTES_MAX || payloadBytes > PAYLOAD_BYTES_MAX)
    throw new RangeError(`a frame of ${headerBytes} + ${payloadBytes} bytes is larger than allowed`);
  const head = Buffer.allocUnsafe(PREFIX_BYTES + headerBytes);
  head.writeUInt32BE(PREFIX_BYTES - 4 + headerBytes + payloadBytes, 0);
  head.writeUInt32BE(headerBytes, 4);
  head.writeUInt32BE(payloadCrc, 8);
  head.write(json, PREFIX_BYTES, 'utf8');
  head.writeUInt32BE(headCrc(head), CRC_AT);
  return [head, ...payload];
}

const headCrc = (head: Buffer): number =>
  crc32c(head.subarray(PREFIX_BYTES), crc32c(head.subarray(0, CRC_AT)));

interface Body {
  readonly header: unknown;
  readonly crc: number;
  readonly payload: Buffer;
  filled: number;
}

/** Cuts a stream into frames. Small frames only, until `trust` is called. */
export class FrameReader {
  #headerMax = HELLO_BYTES_MAX;
  #payloadMax = 0;
  /** The beginning of a frame whose header is not complete yet. */
  #head: Buffer = EMPTY;
  /** A frame whose payload is not complete yet. At most one of the two is in use. */
  #body: Body | null = null;
  #chunk: Buffer = EMPTY;
  #at = 0;

  /** The other side has shown who it is: frames may be as large as frames get. */
  trust(): void {
    this.#headerMax = HEADER_BYTES_MAX;
    this.#payloadMax = PAYLOAD_BYTES_MAX;
  }

  /** Whether the next byte begins a frame. */
  get idle(): boolean {
    return this.#body === null && this.#head.length === 0;
  }

  /** The frames that `chunk` completes. Throws MalformedFrame; the reader is of no use afterwards. */
  *read(chunk: Buffer): Generator<Frame, void, void> {
    this.#chunk = chunk;
    this.#at = 0;
    for (;;) {
      const frame = this.#next();
      if (frame === null) break;
      yield frame;
    }
    this.#chunk = EMPTY;
  }

  #next(): Frame | null {
    if (this.#body === null && !this.#openBody()) return null;
    return this.#fillBody();
  }

  /** Reads words and header; true once they are complete and checked. */
  #openBody(): boolean {
    const prefix = this.#fillHead(PREFIX_BYTES);
    if (prefix === null) return false;
    const length = prefix.readUInt32BE(0);
    const headerBytes = prefix.readUInt32BE(4);
    const payloadBytes = length - (PREFIX_BYTES - 4) - headerBytes;
    if (headerBytes > this.#headerMax || payloadBytes < 0 || payloadBytes > this.#payloadMax)
      throw new MalformedFrame(`frame length ${length} with header length ${headerBytes} is out of bounds`);
    const head = this.#fillHead(PREFIX_BYTES + headerBytes);
    if (head === null) return false;
    if (this.#head.length === 0) this.#at += head.length;
    this.#head = EMPTY;
    if (headCrc(head) !== head.readUInt32BE(CRC_AT)) throw new MalformedFrame('the CRC of a header is wrong');
    const whole = this.#chunk.length - this.#at >= payloadBytes;
    this.#body = {
      header: parse(head.toString('utf8', PREFIX_BYTES)),
      crc: head.readUInt32BE(8),
      payload: whole
        ? this.#chunk.subarray(this.#at, this.#at + payloadBytes)
        : Buffer.allocUnsafeSlow(payloadBytes),
      filled: whole ? payloadBytes : 0,
    };
    if (whole) this.#at += payloadBytes;
    return true;
  }

  /** The first `bytes` of the frame: a view of the chunk where it has them all, else collected over several chunks. */
  #fillHead(bytes: number): Buffer | null {
    if (this.#head.length === 0 && this.#chunk.length - this.#at >= bytes)
      return this.#chunk.subarray(this.#at, this.#at + bytes);
    const missing = bytes - this.#head.length;
    if (missing > 0) {
      const more = this.#chunk.subarray(this.#at, this.#at + missing);
      this.#at += more.length;
      this.#head = Buffer.concat([this.#head, more]);
    }
    return this.#head.length < bytes ? null : this.#head;
  }

  #fillBody(): Frame | null {
    const body = this.#body;
    if (body === null) return null;
    if (body.filled < body.payload.length) {
      const copied = this.#chunk.copy(body.payload, body.filled, this.#at);
      this.#at += copied;
      body.filled += copied;
      if (body.filled < body.payload.length) return null;
    }
    this.#body = null;
    if (crc32c(body.payload) !== body.crc) throw new MalformedFrame('the CRC of a payload is wrong');
    return { header: body.header, payload: body.payload };
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new MalformedFrame('a header is not JSON', { cause });
  }
}
