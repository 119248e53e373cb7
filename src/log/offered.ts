// A batch that a client has encoded, judged before it becomes part of the log. Its records are walked to the last byte: the
// CRC only vouches that the bytes are those that the client made, not that they are records, and what is stored once is
// served for ever. The walk makes no objects, so that it costs some tens of nanoseconds a record; every reader walks the
// same way later and pays more for each.
import { crc32c } from '@node-rs/crc32';
import { batchSizeAt, FIELD, HEADER_SIZE_BYTES, LOG_APPEND_TIME, MAGIC, SEQUENCE_MODULUS } from './batch.ts';
import type { ProducerStamp } from './types.ts';

export interface OfferedLimits {
  /** Largest record: key, value and headers. */
  readonly recordBytes: number;
  readonly maxRecords: number;
}

/** What an offered batch holds, or why it cannot be taken. */
export type Offer =
  | { readonly kind: 'good'; readonly count: number; readonly producer: ProducerStamp | null }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'too-many'; readonly count: number }
  | { readonly kind: 'record-too-large'; readonly record: number; readonly sizeBytes: number };

const NONE = -1n;

/**
 * Judges bytes that should be one record batch v2, no more and no less, as `encodeBatch` makes them. Base offset, epoch
 * and timestamps may be anything: the leader sets them.
 */
export function judgeOffered(bytes: Buffer, limits: OfferedLimits): Offer {
  const problem = headProblem(bytes);
  if (problem !== null) return { kind: 'malformed', problem };
  const count = bytes.readInt32BE(FIELD.count);
  if (count > limits.maxRecords) return { kind: 'too-many', count };
  const crc = crc32c(bytes.subarray(FIELD.attributes));
  if (crc !== bytes.readUInt32BE(FIELD.crc)) return { kind: 'malformed', problem: 'its CRC is wrong' };
  const producer = producerIn(bytes, count);
  if (typeof producer === 'string') return { kind: 'malformed', problem: producer };
  return walk(bytes, count, limits.recordBytes) ?? { kind: 'good', count, producer };
}

function headProblem(bytes: Buffer): string | null {
  if (bytes.length <= HEADER_SIZE_BYTES) return `${bytes.length} bytes are no batch with a record`;
  if (bytes[FIELD.magic] !== MAGIC) return `its magic is ${bytes[FIELD.magic]}, not ${MAGIC}`;
  if (batchSizeAt(bytes, 0) !== bytes.length)
    return `its length says ${batchSizeAt(bytes, 0)} bytes, but there are ${bytes.length}`;
  const attributes = bytes.readUInt16BE(FIELD.attributes);
  if (attributes !== LOG_APPEND_TIME) return `its attributes are ${attributes}, not ${LOG_APPEND_TIME}`;
  const count = bytes.readInt32BE(FIELD.count);
  const lastOffsetDelta = bytes.readInt32BE(FIELD.lastOffsetDelta);
  if (count < 1 || lastOffsetDelta !== count - 1)
    return `it counts ${count} records and its last offset delta is ${lastOffsetDelta}`;
  return null;
}

/** The stamp; null when there is none; text for what is wrong with it. */
function producerIn(bytes: Buffer, count: number): ProducerStamp | null | string {
  const id = bytes.readBigInt64BE(FIELD.producerId);
  const epoch = bytes.readInt16BE(FIELD.producerEpoch);
  const sequence = bytes.readInt32BE(FIELD.baseSequence);
  if (id === NONE)
    return epoch === -1 && sequence === -1 ? null : 'it has an epoch or sequence but no producer';
  if (id < 1n) return `its producer id is ${id}`;
  if (epoch < 0) return `its producer epoch is ${epoch}`;
  if (sequence < 0 || sequence + count > SEQUENCE_MODULUS)
    return `its ${count} sequences from ${sequence} do not fit below ${SEQUENCE_MODULUS}`;
  return { id, epoch, sequence };
}

/** The one walk at a time; kept here so that it costs no object. */
let source: Buffer;
let position = 0;

/** A signed number of up to 32 bits. Beyond the end of the bytes it is 0, which the caller notices by the position. */
function varint(): number {
  let byte = source[position++] as number;
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
  let folded = byte & 0x7f;
  for (let shift = 7; shift < 35; shift += 7) {
    byte = source[position++] as number;
    folded |= (byte & 0x7f) << shift;
    // The fifth byte has room for four bits more: others would be another number to a reader of 64 bits.
    if (shift === 28 && byte > 0x0f) break;
    if (byte < 0x80) return (folded >>> 1) ^ -(folded & 1);
  }
  throw new RangeError('a number is longer than 32 bits');
}

/** Passes a length and so many bytes; returns how many, 0 for the length -1 of what is absent. */
function blob(end: number): number {
  const length = varint();
  if (length < -1 || position + length > end) throw new RangeError('a length points beyond the record');
  if (length <= 0) return 0;
  position += length;
  return length;
}

/** Null when all records are whole, in order and not too large. */
function walk(bytes: Buffer, count: number, recordBytes: number): Offer | null {
  source = bytes;
  position = FIELD.records;
  for (let record = 0; record < count; record += 1) {
    try {
      const sizeBytes = passRecord(record, bytes.length);
      if (sizeBytes > recordBytes) return { kind: 'record-too-large', record, sizeBytes };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { kind: 'malformed', problem: `record ${record + 1}: ${error.message}` };
    }
  }
  if (position === bytes.length) return null;
  return { kind: 'malformed', problem: `${bytes.length - position} bytes follow its last record` };
}

/** Passes one record; returns the bytes of its key, value and headers. */
function passRecord(delta: number, limit: number): number {
  const length = varint();
  const end = position + length;
  if (length < 1 || end > limit) throw new RangeError('it is longer than the batch');
  if (source[position++] !== 0) throw new RangeError('its attributes are not 0');
  if (varint() !== 0) throw new RangeError('its timestamp delta is not 0');
  if (varint() !== delta) throw new RangeError(`its offset delta is not ${delta}`);
  let sizeBytes = blob(end) + blob(end);
  const headers = varint();
  if (headers < 0 || headers > length) throw new RangeError(`it counts ${headers} headers`);
  for (let header = 0; header < headers; header += 1) {
    if (source[position] === 1) throw new RangeError('a header has no key');
    sizeBytes += blob(end) + blob(end);
  }
  if (position !== end) throw new RangeError('its fields do not fill it');
  return sizeBytes;
}
