// Records to one record batch v2. Two passes over the records: the first adds up sizes, the second writes, so that a
// batch costs one allocation. It is done once per append; from here on a batch is bytes that nobody encodes again.

import { crc32c } from '@node-rs/crc32';
import { BATCH_MAX_SIZE_BYTES } from '../limits.ts';
import {
  FIELD,
  HEADER_SIZE_BYTES,
  LENGTH_OVERHEAD_BYTES,
  LOG_APPEND_TIME,
  MAGIC,
  PRODUCER_EPOCH_MAX,
  SEQUENCE_MODULUS,
  writeLong,
} from './batch.ts';
import type { ProducerStamp, RecordInput } from './types.ts';
import { varintSize, writeVarint } from './varint.ts';

/** An absent key or header value has length -1. */
const ABSENT = -1;
/** Attributes (unused) and timestamp delta (always 0) take a byte each. */
const FIXED_RECORD_BYTES = 2;
/** The largest signed 64-bit number, for producer ids. */
const LONG_MAX = 2n ** 63n - 1n;

/**
 * One batch of one or more records, with base offset 0 and epoch 0 until `stampBatch`. Throws RangeError for no records,
 * a batch above `BATCH_MAX_SIZE_BYTES`, and producer numbers that the format has no room for.
 */
export function encodeBatch(
  records: readonly RecordInput[],
  options: { readonly timestampMs: number; readonly producer: ProducerStamp | null },
): Buffer {
  if (records.length === 0) throw new RangeError('a batch has at least one record');
  if (options.producer) assertProducer(options.producer);
  const bodies = records.map(bodySize);
  let size: number = HEADER_SIZE_BYTES;
  for (const body of bodies) size += varintSize(body) + body;
  if (size > BATCH_MAX_SIZE_BYTES) throw new RangeError(`a batch of ${size} bytes is too large`);

  const batch = Buffer.allocUnsafe(size);
  let position: number = HEADER_SIZE_BYTES;
  for (let delta = 0; delta < records.length; delta += 1) {
    position = writeVarint(batch, bodies[delta] as number, position);
    position = writeRecord(batch, records[delta] as RecordInput, delta, position);
  }
  writeHeader(batch, records.length, options);
  return batch;
}

function assertProducer({ id, epoch, sequence }: ProducerStamp): void {
  if (id < 0n || id > LONG_MAX) throw new RangeError(`producer id ${id} is not a 63-bit number`);
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > PRODUCER_EPOCH_MAX)
    throw new RangeError(`producer epoch ${epoch} is not a whole number from 0 to ${PRODUCER_EPOCH_MAX}`);
  if (!Number.isInteger(sequence) || sequence < 0 || sequence >= SEQUENCE_MODULUS)
    throw new RangeError(`sequence ${sequence} is not a whole number from 0 to ${SEQUENCE_MODULUS - 1}`);
}

const blobSize = (blob: Uint8Array | null | undefined): number =>
  blob ? varintSize(blob.length) + blob.length : varintSize(ABSENT);

function bodySize({ key, value, headers }: RecordInput, delta: number): number {
  let size = FIXED_RECORD_BYTES + varintSize(delta) + blobSize(key) + blobSize(value);
  if (!headers) return size + varintSize(0);
  size += varintSize(headers.length);
  for (const header of headers) {
    const name = Buffer.byteLength(header.key);
    size += varintSize(name) + name + blobSize(header.value);
  }
  return size;
}

function writeBlob(batch: Buffer, blob: Uint8Array | null | undefined, at: number): number {
  if (!blob) return writeVarint(batch, ABSENT, at);
  const position = writeVarint(batch, blob.length, at);
  batch.set(blob, position);
  return position + blob.length;
}

function writeRecord(batch: Buffer, { key, value, headers }: RecordInput, delta: number, at: number): number {
  batch[at] = 0;
  batch[at + 1] = 0;
  let position = writeVarint(batch, delta, at + FIXED_RECORD_BYTES);
  position = writeBlob(batch, key, position);
  position = writeBlob(batch, value, position);
  if (!headers) return writeVarint(batch, 0, position);
  position = writeVarint(batch, headers.length, position);
  for (const header of headers) {
    position = writeVarint(batch, Buffer.byteLength(header.key), position);
    position += batch.write(header.key, position);
    position = writeBlob(batch, header.value, position);
  }
  return position;
}

/** Fills the header of a batch whose records are written behind it, CRC included; base offset and epoch are 0. */
export function writeHeader(
  batch: Buffer,
  count: number,
  { timestampMs, producer }: { readonly timestampMs: number; readonly producer: ProducerStamp | null },
): void {
  writeLong(batch, 0, FIELD.baseOffset);
  batch.writeInt32BE(batch.length - LENGTH_OVERHEAD_BYTES, FIELD.length);
  batch.writeInt32BE(0, FIELD.leaderEpoch);
  batch[FIELD.magic] = MAGIC;
  batch.writeInt16BE(LOG_APPEND_TIME, FIELD.attributes);
  batch.writeInt32BE(count - 1, FIELD.lastOffsetDelta);
  writeLong(batch, timestampMs, FIELD.baseTimestamp);
  writeLong(batch, timestampMs, FIELD.maxTimestamp);
  batch.writeBigInt64BE(producer?.id ?? -1n, FIELD.producerId);
  batch.writeInt16BE(producer?.epoch ?? -1, FIELD.producerEpoch);
  batch.writeInt32BE(producer?.sequence ?? -1, FIELD.baseSequence);
  batch.writeInt32BE(count, FIELD.count);
  batch.writeUInt32BE(crc32c(batch.subarray(FIELD.attributes)), FIELD.crc);
}
