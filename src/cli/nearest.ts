// What somebody may have meant by a word that is none of those known.

/**
 * Edits from one word to the other: letters added, left out, changed, or swapped with the next one (optimal string alignment;
 * Boytsov, "Indexing methods for approximate dictionary searching", 2011).
 */
export function distance(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= one.length; i += 1) {
    const above = rows[i - 1] as number[];
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const changed = above[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      let edits = Math.min(above[j]! + 1, row[j - 1]! + 1, changed);
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (isSwapped) edits = Math.min(edits, rows[i - 2]![j - 2]! + 1);
      row.push(edits);
    }
    rows.push(row);
  }
  return rows[one.length]![other.length]!;
}

/** The nearest of the words that are known, if it is near enough to have been meant; null otherwise. */
export function nearest(word: string, known: readonly string[]): string | null {
  const lower = word.toLowerCase().slice(0, MAX_CHARS);
  const beginning = lower.length >= 3 ? known.filter((each) => each.startsWith(lower)) : [];
  if (beginning.length === 1) return beginning[0] as string;
  const [best] = known
    .map((each) => ({ each, edits: distance(lower, each) }))
    .sort((one, other) => one.edits - other.edits);
  return best !== undefined && best.edits <= Math.max(1, Math.floor(best.each.length / 3)) ? best.each : null;
}

/** No word that is known is nearly as long. */
const MAX_CHARS = 40;
