import type { Content } from './content.ts';
import type { Disk } from './disk.ts';
import type { LogReader } from './reader.ts';
import type { RecoveryMark } from './recovery-mark.ts';
import type { SegmentFiles } from './segment-files.ts';
import type { Writer } from './writer.ts';

/** What an open log is made of; each kind of change uses what it needs of it, in its turn. */
export interface LogParts {
  readonly disk: Disk;
  /** Of the segments, the checkpoint and the mark. */
  readonly directory: string;
  readonly content: Content;
  readonly files: SegmentFiles;
  readonly mark: RecoveryMark;
  readonly reader: LogReader;
  readonly writer: Writer;
}
