// The producer table as bytes: saved with each segment, as it was at the segment's first offset, and sent to a follower
// that starts anew. Big-endian, a CRC-32C at the end. Producers stand in the order of their last batches.

import { readLong, writeLong } from './batch.ts';
import {
  BATCHES_PER_PRODUCER,
  PRODUCERS_MAX,
  type ProducerEntry,
  ProducerTable,
  type StoredBatch,
} from './producers.ts';
import { withCrc, withoutCrc } from './small-file.ts';

const VERSION = 1;
const HEADER_SIZE_BYTES = 16;
const ENTRY_SIZE_BYTES = 21;
const BATCH_SIZE_BYTES = 24;

export interface ProducerSnapshot {
  /** The table holds all batches below this offset, and none from it on. */
  readonly offset: number;
  readonly table: ProducerTable;
}

export function encodeProducers(table: ProducerTable, offset: number): Buffer {
  let size = HEADER_SIZE_BYTES;
  for (const [, { batches }] of table.entries()) size += ENTRY_SIZE_BYTES + batches.length * BATCH_SIZE_BYTES;
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt32BE(VERSION, 0);
  writeLong(bytes, offset, 4);
  bytes.writeUInt32BE(table.size, 12);
  let at = HEADER_SIZE_BYTES;
  for (const [id, { epoch, timestampMs, batches }] of table.entries()) {
    bytes.writeBigInt64BE(id, at);
    bytes.writeUInt32BE(epoch, at + 8);
    writeLong(bytes, timestampMs, at + 12);
    bytes.writeUInt8(batches.length, at + 20);
    at += ENTRY_SIZE_BYTES;
    for (const batch of batches) at = writeBatch(bytes, batch, at);
  }
  return withCrc(bytes);
}

function writeBatch(
  bytes: Buffer,
  { sequence, count, offset, crc, logEpoch }: StoredBatch,
  at: number,
): number {
  bytes.writeUInt32BE(sequence, at);
  bytes.writeUInt32BE(count, at + 4);
  writeLong(bytes, offset, at + 8);
  bytes.writeUInt32BE(crc, at + 16);
  bytes.writeUInt32BE(logEpoch, at + 20);
  return at + BATCH_SIZE_BYTES;
}

/** The table in `guarded`, or null when the bytes are not what `encodeProducers` made. */
export function decodeProducers(guarded: Buffer): ProducerSnapshot | null {
  const bytes = withoutCrc(guarded);
  if (bytes === null || bytes.length < HEADER_SIZE_BYTES || bytes.readUInt32BE(0) !== VERSION) return null;
  const count = bytes.readUInt32BE(12);
  if (count > PRODUCERS_MAX) return null;
  const entries: [bigint, ProducerEntry][] = [];
  let at = HEADER_SIZE_BYTES;
  for (let index = 0; index < count; index += 1) {
    if (bytes.length - at < ENTRY_SIZE_BYTES) return null;
    const length = bytes.readUInt8(at + 20);
    const end = at + ENTRY_SIZE_BYTES + length * BATCH_SIZE_BYTES;
    if (length < 1 || length > BATCHES_PER_PRODUCER || end > bytes.length) return null;
    const entry = readEntry(bytes, at, length);
    // Such numbers could not be written again.
    if (![entry.timestampMs, ...entry.batches.map(({ offset }) => offset)].every(Number.isSafeInteger))
      return null;
    entries.push([bytes.readBigInt64BE(at), entry]);
    at = end;
  }
  return at === bytes.length ? { offset: readLong(bytes, 4), table: new ProducerTable(entries) } : null;
}

function readEntry(bytes: Buffer, at: number, length: number): ProducerEntry {
  const batches: StoredBatch[] = [];
  for (let index = 0; index < length; index += 1)
    batches.push(readBatch(bytes, at + ENTRY_SIZE_BYTES + index * BATCH_SIZE_BYTES));
  return { epoch: bytes.readUInt32BE(at + 8), timestampMs: readLong(bytes, at + 12), batches };
}

const readBatch = (bytes: Buffer, at: number): StoredBatch => ({
  sequence: bytes.readUInt32BE(at),
  count: bytes.readUInt32BE(at + 4),
  offset: readLong(bytes, at + 8),
  crc: bytes.readUInt32BE(at + 16),
  logEpoch: bytes.readUInt32BE(at + 20),
});
