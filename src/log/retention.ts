// Old segments go, whole ones, the oldest first. How far is the leader's decision, by bytes and age (`retain`); the
// followers do as it did (`deleteBelow`). The open segment is closed when it is its turn: otherwise a log that fits in one
// segment would never lose a record, and one that fills its volume with it could take no more either.

import type { LogParts } from './parts.ts';
import type { Segment } from './segments.ts';
import { trimPairs } from './store-pairs.ts';

export interface RetentionPolicy {
  /** Segments go while those that are left hold at least as much, or while the log holds more on a full disk; 0 keeps all. */
  readonly maxBytes: number;
  /** Segments go whose last record is older; 0 keeps all. */
  readonly maxAgeMs: number;
  /** Later than any clock that is trusted: records are at least so old. -Infinity: their age is not known. */
  readonly nowMs: number;
  readonly commit: number;
}

/** As `Log.retain`. */
export async function retain(parts: LogParts, policy: RetentionPolicy, isFull: boolean): Promise<number> {
  const { segments } = parts.content;
  let excessBytes = policy.maxBytes === 0 ? 0 : segments.sizeBytes - policy.maxBytes;
  await removeWhile(parts, (segment, end) => {
    const isTooMuch = excessBytes >= segment.sizeBytes || (isFull && excessBytes > 0);
    const isTooOld = policy.maxAgeMs > 0 && segment.maxTimestampMs < policy.nowMs - policy.maxAgeMs;
    if (end > policy.commit || !(isTooMuch || isTooOld)) return false;
    excessBytes -= segment.sizeBytes;
    return true;
  });
  return parts.content.first;
}

/** As `Log.deleteBelow`. */
export function deleteBelow(parts: LogParts, first: number): Promise<void> {
  return removeWhile(parts, (_, end) => end <= first, first);
}

/** Removes segments from the oldest on as long as `mayGo`. Of an open one that is the oldest, what lies below `first` may go. */
function removeWhile(
  parts: LogParts,
  mayGo: (segment: Segment, end: number) => boolean,
  first = 0,
): Promise<void> {
  const { content, files, mark, writer } = parts;
  const { segments } = content;
  return writer.turn(async () => {
    let removed = 0;
    // The leader has segments that begin elsewhere. What comes from here on may stay when the rest goes.
    if (segments.first === segments.active && segments.first.base < first) await writer.closeSegment();
    for (;;) {
      const { first: oldest } = segments;
      const end = segments.after(oldest)?.base ?? content.end;
      if (oldest.sizeBytes === 0 || !mayGo(oldest, end)) break;
      if (!segments.after(oldest)?.hasFile) await writer.closeSegment();
      const next = segments.after(oldest);
      // Without that file the oldest is all that is on the disk.
      if (!next?.hasFile) break;
      content.removeOldest(next.base);
      // In both slots before the file goes: a log that begins above what the mark says has lost its first segment.
      await mark.save(writer.markNow());
      await mark.save(writer.markNow());
      await files.remove(oldest);
      removed += 1;
    }
    if (removed === 0) return;
    await writer.lookForRoom();
    await trimPairs(parts, content.first);
  });
}
