// The records inside batches: read lazily, one object at a time, with keys and values as views of the batch's bytes.
// Only readers look in here; appending, storing and replicating treat a batch as opaque.
import { batchesOf, FIELD } from './batch.ts';
import type { BatchHeader, LogRecord } from './types.ts';
import { VarintReader } from './varint.ts';

/** More headers than this in one record are taken for damage. */
const RECORD_HEADERS_MAX = 1_000_000;

/**
 * The records of whole batches, in order, with offsets in [from, below). Each buffer holds one or more batches, as
 * `Log.read` gives them. Keys and values are views: copy what outlives the buffers.
 */
export function* recordsOf(
  batches: readonly Buffer[],
  from = 0,
  below = Number.POSITIVE_INFINITY,
): Generator<LogRecord, void, undefined> {
  for (const buffer of batches) {
    for (const { header, bytes } of batchesOf(buffer)) {
      if (header.baseOffset >= below) return;
      if (header.baseOffset + header.lastOffsetDelta < from) continue;
      yield* recordsOfBatch(header, bytes, from, below);
    }
  }
}

function* recordsOfBatch(
  header: BatchHeader,
  bytes: Buffer,
  from: number,
  below: number,
): Generator<LogRecord, void, undefined> {
  const reader = new VarintReader(bytes, FIELD.records, bytes.length);
  for (let delta = 0; delta < header.count; delta += 1) {
    const offset = header.baseOffset + delta;
    if (offset >= below) return;
    if (offset >= from) yield readRecord(reader, header, offset);
    else reader.skip(reader.next());
  }
}

function readRecord(reader: VarintReader, header: BatchHeader, offset: number): LogRecord {
  const length = reader.next();
  const from = reader.skip(length);
  const inner = new VarintReader(reader.bytes, from, from + length);
  inner.byte();
  inner.next();
  if (header.baseOffset + inner.next() !== offset)
    throw new RangeError(`record ${offset} has another offset`);
  const key = readBlob(inner);
  const value = readBlob(inner) ?? Buffer.alloc(0);
  const headers = readHeaders(inner);
  if (inner.position !== inner.limit) throw new RangeError(`record ${offset} is longer than its fields`);
  return { offset, timestampMs: header.maxTimestampMs, epoch: header.epoch, key, value, headers };
}

function readBlob(reader: VarintReader): Buffer | null {
  const length = reader.next();
  if (length === -1) return null;
  const from = reader.skip(length);
  return (reader.bytes as Buffer).subarray(from, from + length);
}

function readHeaders(reader: VarintReader): LogRecord['headers'] {
  const count = reader.next();
  if (count < 0 || count > RECORD_HEADERS_MAX) throw new RangeError(`${count} headers in one record`);
  if (count === 0) return NO_HEADERS;
  const headers: { key: string; value: Buffer | null }[] = [];
  for (let index = 0; index < count; index += 1) {
    const key = readBlob(reader)?.toString('utf8') ?? '';
    headers.push({ key, value: readBlob(reader) });
  }
  return headers;
}

const NO_HEADERS: LogRecord['headers'] = Object.freeze([]);

/**
 * What is wrong with the records of whole batches; null when nothing is. The CRC vouches for the bytes as they were
 * encoded; this for the encoder: every length, offset and count.
 */
export function recordsProblem(buffer: Buffer): string | null {
  try {
    for (const { header, bytes } of batchesOf(buffer)) {
      const reader = new VarintReader(bytes, FIELD.records, bytes.length);
      for (let delta = 0; delta < header.count; delta += 1)
        readRecord(reader, header, header.baseOffset + delta);
      if (reader.position !== bytes.length) return `batch ${header.baseOffset} is longer than its records`;
    }
    return null;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}
