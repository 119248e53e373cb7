// The second line of defence against logs that differ where matching takes them for equal. Matching compares epochs; two
// leaders with the same epoch, or a disk that lies, would go unnoticed. So both ends of a stream compare the CRC of the
// last batch that they share. Nothing waits for it: it only reads, and a difference ends the receiver's process.
import type { Log } from '../../log/types.ts';
import type { SharedBatch, State } from '../../replica/index.ts';
import { endOffsetOf } from './batch-header.ts';

const CRC_AT = 17;

/** The batch that ends at `end`; null where none does, or it is not kept or cannot be read. */
export async function sharedBatch(log: Log, end: number): Promise<SharedBatch | null> {
  if (end <= log.first || end > log.end) return null;
  const { generation } = log;
  try {
    const [batch] = await log.read(end - 1, { maxBytes: 1, below: end });
    if (!batch || endOffsetOf(batch) !== end || log.generation !== generation) return null;
    return { end, crc: batch.readUInt32BE(CRC_AT) };
  } catch {
    // A batch that cannot be read is reported by the readers that need it.
    return null;
  }
}

/** What is wrong with the own log, when the sender of its stream has another batch at the same place; null when nothing is. */
export async function differenceFrom(
  log: Log,
  { receiver }: Pick<State, 'receiver'>,
  stream: number,
  theirs: SharedBatch,
): Promise<string | null> {
  if (receiver?.stream !== stream || receiver.phase !== 'ready') return null;
  const { end, crc } = theirs;
  const own = await sharedBatch(log, end);
  if (own === null || own.crc === crc) return null;
  return `the batch that ends at ${end} has CRC ${own.crc}, and ${crc} in the log of the leader, in the same epoch`;
}
