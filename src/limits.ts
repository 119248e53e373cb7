// The sizes that depend on each other, from a request body to the memory of a follower. Each is derived from the ones above
// it, so a record of the largest size passes through all of them. Only the API reads the configured limits: a follower
// takes what any leader may send, and loggers may be configured differently.

const KiB = 1024;
const MiB = 1024 * KiB;

/** Upper bound of `DLOG_BODY_LIMIT_BYTES` and `DLOG_RECORD_LIMIT_BYTES`. */
export const BODY_MAX_BYTES = 64 * MiB;
export const RECORDS_PER_APPEND_MAX = 65_536;

/** The header of a record batch v2. */
const BATCH_HEADER_BYTES = 61;
/** What the encoding adds to one record: lengths of the record, key and value, its offset, two fixed bytes, no headers. */
const RECORD_OVERHEAD_MAX_BYTES = 3 * 5 + 3 + 2 + 1;
/** The largest body, as one encoded batch. Also bounds the size that a damaged length field can make a reader ask for. */
export const BATCH_MAX_SIZE_BYTES =
  BODY_MAX_BYTES + BATCH_HEADER_BYTES + RECORDS_PER_APPEND_MAX * RECORD_OVERHEAD_MAX_BYTES;

/** About how much goes into one message to a follower; one batch always does. */
export const CHUNK_BYTES = 1 * MiB;
/** The binary part of a frame: a chunk and one batch of the largest size. */
export const PAYLOAD_BYTES_MAX = BATCH_MAX_SIZE_BYTES + CHUNK_BYTES;
/** A stream sends its next message while fewer bytes than this are unacknowledged. */
export const WINDOW_BYTES = 8 * MiB;
/** Entries that a receiver keeps while its log changes. A sender that heeds its window never has more under way. */
export const INBOX_MAX_BYTES = WINDOW_BYTES + PAYLOAD_BYTES_MAX;
/** Unsent bytes of one link: those of a stream, and of the one before it that has just ended. */
export const SEND_BUFFER_BYTES_MAX = 2 * INBOX_MAX_BYTES;
/** Appended and not yet written: when the disk does not keep up, memory must not take it all. */
export const UNWRITTEN_MAX_BYTES = 256 * MiB;
/** Recent batches kept in memory for followers and live readers. */
export const RECENT_BYTES = 32 * MiB;
/** Free space that appends leave alone, for promises, pairs, snapshots and indexes. */
export const RESERVE_BYTES = 16 * MiB;
export const SEGMENT_MIN_BYTES = MiB;
/** Retention removes whole segments: a log that is bounded has at least so many. */
const SEGMENTS_MIN = 4;
/** What a logger takes besides: Node with its heap, as measured (docs/internals/performance.md). */
const BASE_MEMORY_BYTES = 128 * MiB;

interface ConfiguredLimits {
  readonly bodyLimitBytes: number;
  readonly maxPendingBytes: number;
}

/** Why the configured limits do not fit each other, one line a problem. */
export function limitProblems({ bodyLimitBytes, maxPendingBytes }: ConfiguredLimits): string[] {
  if (maxPendingBytes >= bodyLimitBytes) return [];
  return [
    `DLOG_MAX_PENDING_BYTES is ${maxPendingBytes}: a body of DLOG_BODY_LIMIT_BYTES (${bodyLimitBytes}) would never be taken; raise the one or lower the other`,
  ];
}

/** What to tell people where the configured limits may need more memory than there is; null where they do not. */
export function memoryWarning({ maxPendingBytes }: ConfiguredLimits, availableBytes: number): string | null {
  // Each pending append is in memory twice, as a body and as a batch.
  const neededBytes = BASE_MEMORY_BYTES + RECENT_BYTES + 2 * maxPendingBytes;
  if (neededBytes <= availableBytes) return null;
  return `DLOG_MAX_PENDING_BYTES is ${maxPendingBytes}: full queues need about ${neededBytes} bytes of memory, and there are ${availableBytes}`;
}

interface ConfiguredRetention {
  readonly segmentSizeBytes: number;
  /** 0 keeps all. */
  readonly retentionBytes: number;
}

/** The size at which a new segment begins. */
export function segmentSizeOf({ segmentSizeBytes, retentionBytes }: ConfiguredRetention): number {
  if (retentionBytes === 0) return segmentSizeBytes;
  return Math.min(segmentSizeBytes, Math.max(SEGMENT_MIN_BYTES, Math.floor(retentionBytes / SEGMENTS_MIN)));
}

/** What to tell people of a retention that their segments or their volume do not fit, one line a problem. */
export function retentionWarnings(configured: ConfiguredRetention, volumeSizeBytes: number): string[] {
  const { segmentSizeBytes, retentionBytes } = configured;
  if (retentionBytes === 0) return [];
  const warnings: string[] = [];
  const size = segmentSizeOf(configured);
  if (retentionBytes < segmentSizeBytes)
    warnings.push(
      `DLOG_RETENTION_BYTES is ${retentionBytes}, below DLOG_SEGMENT_SIZE_BYTES (${segmentSizeBytes}): segments are ${size} bytes instead, because only whole ones can be removed`,
    );
  if (retentionBytes + size + RESERVE_BYTES > volumeSizeBytes)
    warnings.push(
      `DLOG_RETENTION_BYTES is ${retentionBytes}: with one more segment (${size} bytes) and what is kept free (${RESERVE_BYTES} bytes) that is more than the ${volumeSizeBytes} bytes of the volume, which fills up before old segments go`,
    );
  return warnings;
}
