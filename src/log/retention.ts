// Old segments go, whole ones, the oldest first. How far is the leader's decision, by bytes and age (`retain`); the
// followers do as it did (`deleteBelow`).

import type { LogParts } from './parts.ts';
import type { Segment } from './segments.ts';
import { trimPairs } from './store-pairs.ts';

export interface RetentionPolicy {
  /** Segments go while those that are left hold at least as much; 0 keeps all. */
  readonly maxBytes: number;
  /** Segments go whose last record is older; 0 keeps all. */
  readonly maxAgeMs: number;
  readonly nowMs: number;
  readonly commit: number;
}

/** As `Log.retain`. */
export async function retain(parts: LogParts, policy: RetentionPolicy): Promise<number> {
  const { segments } = parts.content;
  let excessBytes = policy.maxBytes === 0 ? 0 : segments.sizeBytes - policy.maxBytes;
  await removeWhile(parts, (segment, end) => {
    const isTooMuch = excessBytes >= segment.sizeBytes;
    const isTooOld = policy.maxAgeMs > 0 && segment.maxTimestampMs < policy.nowMs - policy.maxAgeMs;
    if (end > policy.commit || !(isTooMuch || isTooOld)) return false;
    excessBytes -= segment.sizeBytes;
    return true;
  });
  return parts.content.first;
}

/** As `Log.deleteBelow`. */
export function deleteBelow(parts: LogParts, first: number): Promise<void> {
  return removeWhile(parts, (_, end) => end <= first);
}

/** Removes segments from the oldest on as long as `mayGo`; never the last, nor one whose successor has no file yet. */
function removeWhile(parts: LogParts, mayGo: (segment: Segment, end: number) => boolean): Promise<void> {
  const { content, files, writer } = parts;
  return writer.turn(async () => {
    let removed = 0;
    for (;;) {
      const { first: oldest } = content.segments;
      const next = content.segments.after(oldest);
      if (!next?.hasFile || !mayGo(oldest, next.base)) break;
      content.version += 1;
      content.segments.remove(oldest);
      content.window.forgetBelow(next.base);
      await files.remove(oldest);
      removed += 1;
    }
    if (removed === 0) return;
    await writer.lookForRoom();
    await trimPairs(parts, content.first);
  });
}
