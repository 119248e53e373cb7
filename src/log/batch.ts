// Kafka's record batch v2 from the outside: the 61-byte header, what may be stamped into it later, and whether the bytes
// are whole. The CRC covers all from the attributes on, so that base offset and leader epoch can change under it.
// Layout: https://kafka.apache.org/documentation/#recordbatch

import { crc32c } from '@node-rs/crc32';
import { BATCH_MAX_SIZE_BYTES } from '../limits.ts';
import { joinCrcs, shiftCrc } from './crc.ts';
import type { BatchHeader, ProducerStamp } from './types.ts';

/** Where each field of the header begins. */
export const FIELD = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const;

export const HEADER_SIZE_BYTES = FIELD.records;
/** The length field counts what comes after itself. */
export const LENGTH_OVERHEAD_BYTES = FIELD.leaderEpoch;
export const MAGIC = 2;
/**
 * The only attribute set: the timestamps are those of the append, made by the leader, one for a whole batch. No
 * compression, no transactions. Readers then take `maxTimestamp` for every record and the records' deltas are 0.
 */
export const LOG_APPEND_TIME = 0x08;
/** Sequences are 31-bit and begin anew at 0 after 2^31 - 1, as in Kafka. */
export const SEQUENCE_MODULUS = 2 ** 31;
/** Kafka keeps a producer's epoch in 16 bits. */
export const PRODUCER_EPOCH_MAX = 2 ** 15 - 1;

const HIGH = 2 ** 32;

/** Reads a non-negative 64-bit number; those above 2^53 lose precision, so callers compare or bound them. */
export const readLong = (buffer: Buffer, at: number): number =>
  buffer.readUInt32BE(at) * HIGH + buffer.readUInt32BE(at + 4);

export function writeLong(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32BE(Math.floor(value / HIGH), at);
  buffer.writeUInt32BE(value % HIGH, at + 4);
}

/** The whole size of the batch at `at`, from its length field; needs 12 bytes. May be nonsense in damaged bytes. */
export const batchSizeAt = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at + FIELD.length) + LENGTH_OVERHEAD_BYTES;

/** Parses the header at `at`, of which 61 bytes must be there. Checks nothing: see `batchProblem`. */
export function readHeader(buffer: Buffer, at: number): BatchHeader {
  return {
    baseOffset: readLong(buffer, at + FIELD.baseOffset),
    sizeBytes: batchSizeAt(buffer, at),
    epoch: buffer.readInt32BE(at + FIELD.leaderEpoch),
    crc: buffer.readUInt32BE(at + FIELD.crc),
    lastOffsetDelta: buffer.readInt32BE(at + FIELD.lastOffsetDelta),
    baseTimestampMs: readLong(buffer, at + FIELD.baseTimestamp),
    maxTimestampMs: readLong(buffer, at + FIELD.maxTimestamp),
    producer: readProducer(buffer, at),
    count: buffer.readInt32BE(at + FIELD.count),
  };
}

function readProducer(buffer: Buffer, at: number): ProducerStamp | null {
  // A negative id means none; its sign is in the first bit.
  if (buffer.readInt8(at + FIELD.producerId) < 0) return null;
  return {
    id: buffer.readBigInt64BE(at + FIELD.producerId),
    epoch: buffer.readInt16BE(at + FIELD.producerEpoch),
    sequence: buffer.readInt32BE(at + FIELD.baseSequence),
  };
}

/** Writes base offset and leader epoch into a batch that `encodeBatch` made. The CRC stays right. */
export function stampBatch(batch: Buffer, baseOffset: number, epoch: number): void {
  writeLong(batch, baseOffset, FIELD.baseOffset);
  batch.writeInt32BE(epoch, FIELD.leaderEpoch);
}

/**
 * What is wrong with the header of the batch at `at`, apart from its CRC; null when nothing is. The batch may reach
 * beyond the buffer: whether all of it is there is for the caller to see.
 */
export function headerProblem(buffer: Buffer, at: number): string | null {
  if (buffer.length - at < HEADER_SIZE_BYTES) return 'the header is cut off';
  const size = batchSizeAt(buffer, at);
  if (buffer[at + FIELD.magic] !== MAGIC) return `magic is ${buffer[at + FIELD.magic]}, not ${MAGIC}`;
  if (size <= HEADER_SIZE_BYTES || size > BATCH_MAX_SIZE_BYTES)
    return `the size of ${size} bytes is impossible`;
  if (readLong(buffer, at + FIELD.baseOffset) > Number.MAX_SAFE_INTEGER) return 'the offset is impossible';
  if (readLong(buffer, at + FIELD.maxTimestamp) > Number.MAX_SAFE_INTEGER)
    return 'the timestamp is impossible';
  if (buffer.readInt32BE(at + FIELD.leaderEpoch) < 0) return 'the epoch is negative';
  const attributes = buffer.readUInt16BE(at + FIELD.attributes);
  if (attributes !== LOG_APPEND_TIME) return `attributes are ${attributes}, not ${LOG_APPEND_TIME}`;
  // Nothing is ever compacted away, so a batch has as many records as offsets.
  const count = buffer.readInt32BE(at + FIELD.count);
  const lastOffsetDelta = buffer.readInt32BE(at + FIELD.lastOffsetDelta);
  if (count < 1 || lastOffsetDelta !== count - 1)
    return `${count} records, last offset delta ${lastOffsetDelta}`;
  return null;
}

/** What is wrong with the batch at `at`: header, length and CRC; null when it is whole. Records are not walked. */
export function batchProblem(buffer: Buffer, at = 0): string | null {
  const problem = headerProblem(buffer, at);
  if (problem !== null) return problem;
  const end = at + batchSizeAt(buffer, at);
  if (end > buffer.length) return `${end - buffer.length} bytes are missing`;
  const crc = crc32c(buffer.subarray(at + FIELD.attributes, end));
  const stored = buffer.readUInt32BE(at + FIELD.crc);
  return crc === stored ? null : `the CRC is ${hex(crc)}, stored is ${hex(stored)}`;
}

/**
 * What is wrong with a buffer that should hold one or more whole batches; null when nothing is. For bytes from elsewhere,
 * before they are appended: the log itself takes their CRCs on trust.
 */
export function batchesProblem(buffer: Buffer): string | null {
  if (buffer.length === 0) return 'there is no batch';
  for (let at = 0; at < buffer.length; at += batchSizeAt(buffer, at)) {
    const problem = batchProblem(buffer, at);
    if (problem !== null) return `byte ${at}: ${problem}`;
  }
  return null;
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

/** CRC of what the batch's own covers in front of the records. */
const fieldsCrc = (batch: Buffer): number => crc32c(batch.subarray(FIELD.attributes, FIELD.records));

/**
 * CRC-32C of the records alone, of a batch whose own CRC is known to be right: it follows from that, without a pass over
 * them. The CRC in the header also covers the leader's timestamp, so that the same records sent
 * again have another one; this stays the same, and tells a repeat from other content.
 */
export function contentCrc(batch: Buffer): number {
  const shifted = shiftCrc(fieldsCrc(batch), batch.length - FIELD.records);
  return (batch.readUInt32BE(FIELD.crc) ^ shifted) >>> 0;
}

/** Sets the leader's time on a batch whose own CRC is known to be right, which covers it and stays right. */
export function stampTime(batch: Buffer, timestampMs: number): void {
  const content = contentCrc(batch);
  writeLong(batch, timestampMs, FIELD.baseTimestamp);
  writeLong(batch, timestampMs, FIELD.maxTimestamp);
  batch.writeUInt32BE(joinCrcs(fieldsCrc(batch), content, batch.length - FIELD.records), FIELD.crc);
}

/** Below this a pass costs less than what spares it. */
const JOINED_MIN_BYTES = 4096;

/** CRC of buffers one after another, each of whole batches whose own CRCs are known to be right. */
export function bytesCrc(buffers: readonly Buffer[]): number {
  let crc = 0;
  for (const buffer of buffers) {
    const isLarge = buffer.length >= JOINED_MIN_BYTES && batchSizeAt(buffer, 0) === buffer.length;
    if (!isLarge) crc = crc32c(buffer, crc);
    else {
      const front = crc32c(buffer.subarray(0, FIELD.attributes), crc);
      crc = joinCrcs(front, buffer.readUInt32BE(FIELD.crc), buffer.length - FIELD.attributes);
    }
  }
  return crc;
}

/** The batches in a buffer that holds whole ones, one after another. Headers are parsed; bytes are views. */
export function* batchesOf(
  buffer: Buffer,
): Generator<{ readonly header: BatchHeader; readonly bytes: Buffer }> {
  for (let at = 0; at < buffer.length; ) {
    const problem = headerProblem(buffer, at);
    if (problem !== null) throw new RangeError(`byte ${at}: ${problem}`);
    const header = readHeader(buffer, at);
    if (header.sizeBytes > buffer.length - at) throw new RangeError(`byte ${at}: the batch is cut off`);
    const isAll = header.sizeBytes === buffer.length;
    yield { header, bytes: isAll ? buffer : buffer.subarray(at, at + header.sizeBytes) };
    at += header.sizeBytes;
  }
}
