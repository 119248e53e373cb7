// The public face of the log.
export {
  BATCH_MAX_SIZE_BYTES,
  batchesOf,
  batchesProblem,
  contentCrc,
  PRODUCER_EPOCH_MAX,
  readHeader,
  SEQUENCE_MODULUS,
  stampBatch,
} from './batch.ts';
export { type DirectoryLock, DirectoryLockedError, type Disk, type DiskFile, type OpenMode } from './disk.ts';
export type { DurableLog } from './durable-log.ts';
export { encodeBatch } from './encode.ts';
export { NodeDisk } from './node-disk.ts';
export {
  type OpenedLog,
  type OpenOptions,
  openLog,
  type Quarantine,
  RECENT_BYTES,
  RESERVE_BYTES,
  type Recovery,
  SEGMENT_SIZE_BYTES,
  UNWRITTEN_MAX_BYTES,
} from './open-log.ts';
export { BATCHES_PER_PRODUCER, PRODUCER_EXPIRY_MS, PRODUCERS_MAX } from './producers.ts';
export { recordsOf, recordsProblem } from './records.ts';
export type * from './types.ts';
