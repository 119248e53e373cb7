// Cutting the end of the log off. The order is what makes it safe at every moment of a crash: the recovery mark comes
// down first (or the missing bytes would look like damage), then the log, newest segment first, then the pairs (a pair
// beyond the end is dropped at start-up), all of it durable. The producer table goes back with the log.

import type { Content } from './content.ts';
import { RefusedError } from './damage.ts';
import { OffsetIndex } from './offset-index.ts';
import { pairsUpTo } from './pairs.ts';
import type { LogParts } from './parts.ts';
import { producersAt } from './producers-at.ts';
import type { Segment } from './segments.ts';
import { storePairs } from './store-pairs.ts';

/** As `Log.truncate`. Rejects with RefusedError, and nothing changed, where `end` is no place to cut. */
export async function truncate(parts: LogParts, end: number): Promise<void> {
  await parts.writer.cut(() => cut(parts, end));
  // What is left may be in memory still.
  await parts.writer.sync();
}

async function cut(parts: LogParts, end: number): Promise<void> {
  const { content, files, mark, writer } = parts;
  assertMayEndAt(content, writer.commit, end);
  if (end === content.end) return;
  const last = await locate(parts, end);
  const removed = content.segments.list.filter(({ base }) => base > last.segment.base);
  const pairs = pairsUpTo(content.pairs, end);
  const isTouched = content.producers.touchedFrom(end);

  if (mark.values.synced > end) await mark.save({ ...mark.values, synced: end });
  content.cut(end, last);
  writer.followCut();
  for (const segment of removed.toReversed()) await files.remove(segment);
  await files.cut(last.segment);
  if (pairs.length !== content.pairs.length) await storePairs(parts, pairs);
  content.replaceProducers(isTouched ? await producersAt(parts, end) : content.producers);
}

function assertMayEndAt(content: Content, commit: number, end: number): void {
  if (end > content.end) throw new RefusedError(`cannot cut to ${end}: the log ends at ${content.end}`);
  if (end < content.first) throw new RefusedError(`cannot cut to ${end}: the log begins at ${content.first}`);
  if (end < commit) throw new RefusedError(`cannot cut to ${end}: records below ${commit} are committed`);
}

/** The segment that will end at `end`, and what becomes of it. */
async function locate(
  { content, reader }: LogParts,
  end: number,
): Promise<{ segment: Segment; position: number; index: OffsetIndex; timestampMs: number }> {
  const { header, segment, position } = await reader.find(end);
  if (header.baseOffset !== end) throw new RefusedError(`offset ${end} lies inside a batch`);
  const before = end > content.first ? (await reader.find(end - 1)).header.maxTimestampMs : 0;
  // An index that cannot be read is begun anew: its segment is then walked through from its begin.
  const index = segment.index ?? (await reader.loadIndex(segment)) ?? new OffsetIndex(segment.base);
  return { segment, position, index, timestampMs: before };
}
