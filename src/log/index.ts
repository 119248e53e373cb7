// The public face of the log.
export {
  batchesOf,
  batchesProblem,
  contentCrc,
  readHeader,
  SEQUENCE_MODULUS,
  stampBatch,
  stampTime,
} from './batch.ts';
export { RefusedError } from './damage.ts';
export type { DirectoryLock, Disk, DiskFile, OpenMode } from './disk.ts';
export type { DurableLog } from './durable-log.ts';
export { encodeBatch } from './encode.ts';
export { QUARANTINE_PREFIX } from './names.ts';
export { NodeDisk } from './node-disk.ts';
export {
  type OpenedLog,
  type OpenOptions,
  openLog,
  type Quarantine,
  type Recovery,
} from './open-log.ts';
export { recordsOf, recordsProblem } from './records.ts';
export { renewIdentity } from './renew-identity.ts';
export type * from './types.ts';
