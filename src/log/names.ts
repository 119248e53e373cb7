// Names of the files in a data directory. Those of the segments are Kafka's: the first offset, twenty digits.

/** In the data directory. */
export const LOG_DIRECTORY = 'log';
export const STATE_FILE = 'state';
export const QUARANTINE_PREFIX = 'quarantine-';

/** In the log's directory. */
export const CHECKPOINT_FILE = 'leader-epoch-checkpoint';
export const MARK_FILE = 'recovery-mark';
export const RESET_FILE = 'reset';

const DIGITS = 20;
const SEGMENT_FILE = /^(\d{20})\.(log|index|producers)$/;

type SegmentFileKind = 'log' | 'index' | 'producers';

export const segmentFile = (base: number, kind: SegmentFileKind): string =>
  `${String(base).padStart(DIGITS, '0')}.${kind}`;

/** What a file of a segment is, by its name; null for other files. */
export function parseSegmentFile(name: string): { base: number; kind: SegmentFileKind } | null {
  const match = SEGMENT_FILE.exec(name);
  return match ? { base: Number(match[1]), kind: match[2] as SegmentFileKind } : null;
}
