// Single changes of a correct history, each of which makes it wrong for certain. A change that does not apply to a history, or would
// leave one that could have happened, gives null.
import assert from 'node:assert/strict';
import type { AppendCall, FinalRead, HistoryLine, ReadCall, ReadRow } from '../../src/verify/index.ts';

/** `pick` chooses among what the change could be applied to. */
type Mutation = (lines: readonly HistoryLine[], pick: number) => HistoryLine[] | null;

const isRead = (line: HistoryLine): line is ReadCall => line.type === 'read';
const isAcknowledged = (line: HistoryLine): line is AppendCall =>
  line.type === 'append' && line.outcome === 'ok';
const isFinal = (line: HistoryLine): line is FinalRead => line.type === 'final';
const inFinal = (line: HistoryLine): line is ReadCall => isRead(line) && line.process.startsWith('f');

function choose<T extends HistoryLine>(
  lines: readonly HistoryLine[],
  pick: number,
  which: (line: HistoryLine) => line is T,
  and: (line: T) => boolean = () => true,
): T | null {
  const found = lines.filter((line): line is T => which(line) && and(line));
  return found[pick % Math.max(1, found.length)] ?? null;
}

const replaced = (
  lines: readonly HistoryLine[],
  old: HistoryLine,
  by: readonly HistoryLine[],
): HistoryLine[] => lines.flatMap((line) => (line === old ? by : [line]));

/** Applies a change to every row of every read. */
const withRows = (lines: readonly HistoryLine[], change: (row: ReadRow) => ReadRow): HistoryLine[] =>
  lines.map((line) => (isRead(line) ? { ...line, records: line.records.map(change) } : line));

const offsetsOf = (lines: readonly HistoryLine[]): Map<string, number> =>
  new Map(lines.filter(inFinal).flatMap(({ records }) => records.map(([offset, value]) => [value, offset])));

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'an acknowledgement is moved': (lines, pick) => {
    const ack = choose(lines, pick, isAcknowledged);
    return ack && replaced(lines, ack, [{ ...ack, offset: (ack.offset as number) + 1 + (pick % 3) }]);
  },
  'an acknowledgement has another epoch': (lines, pick) => {
    const ack = choose(lines, pick, isAcknowledged);
    return ack && replaced(lines, ack, [{ ...ack, epoch: (ack.epoch as number) + 1 }]);
  },
  'a stored append becomes a refused one': (lines, pick) => {
    const ack = choose(lines, pick, isAcknowledged);
    if (!ack) return null;
    const { offset, count, epoch, ...rest } = ack;
    return replaced(lines, ack, [{ ...rest, outcome: 'refused' }]);
  },
  'a stored append is dropped': (lines, pick) => {
    const ack = choose(lines, pick, isAcknowledged);
    return ack && replaced(lines, ack, []);
  },
  'the end of the log is lost at one logger': (lines, pick) => {
    const last = choose(lines, pick, isFinal);
    if (!last || last.to === 0) return null;
    const page = lines
      .filter(inFinal)
      .findLast(({ process, records }) => process === last.process && records.length > 0);
    if (!page) return null;
    const shorter = replaced(lines, page, [
      { ...page, records: page.records.slice(0, -1), commit: last.to - 1 },
    ]);
    return replaced(shorter, last, [{ ...last, to: last.to - 1 }]);
  },
  'a record is lost everywhere, those above it move down': (lines, pick) => {
    const ack = choose(lines, pick, isAcknowledged);
    if (!ack) return null;
    const lost = ack.offset as number;
    return lines.map((line) =>
      isRead(line)
        ? {
            ...line,
            records: line.records
              .filter(([offset]) => offset !== lost)
              .map(([offset, value, epoch]) => [offset > lost ? offset - 1 : offset, value, epoch] as const),
          }
        : line,
    );
  },
  'two values of a final read are swapped': (lines, pick) => {
    const page = choose(lines, pick, inFinal, ({ records }) => records.length > 1);
    if (!page) return null;
    const [[a, first, x], [b, second, y], ...rest] = page.records as [ReadRow, ReadRow, ...ReadRow[]];
    return replaced(lines, page, [{ ...page, records: [[a, second, x], [b, first, y], ...rest] }]);
  },
  'an acknowledged record changes places with the next one, everywhere': (lines, pick) => {
    const ack = choose(lines, pick, isAcknowledged);
    if (!ack) return null;
    const low = (ack.offset as number) + ack.values.length - 1;
    const rows = lines.filter(inFinal).flatMap(({ records }) => records);
    const [first, second] = [low, low + 1].map((at) => rows.find(([offset]) => offset === at)?.[1]);
    if (first === undefined || second === undefined) return null;
    return withRows(lines, ([offset, value, epoch]) => [
      offset,
      offset === low ? second : offset === low + 1 ? first : value,
      epoch,
    ]);
  },
  'a value stands in place of another one, everywhere': (lines, pick) => {
    const offsets = [...offsetsOf(lines)];
    if (offsets.length < 2) return null;
    const [value] = offsets[pick % offsets.length] as [string, number];
    const [, place] = offsets[(pick + 1) % offsets.length] as [string, number];
    return withRows(lines, ([offset, old, epoch]) => [offset, offset === place ? value : old, epoch]);
  },
  'a record is stored again at the end': (lines, pick) => {
    const offsets = [...offsetsOf(lines)];
    const [value] = offsets[pick % offsets.length] as [string, number];
    const end = offsets.length;
    return lines.flatMap((line): HistoryLine[] => {
      if (!isFinal(line)) return [line];
      const page = lines.findLast((one) => isRead(one) && one.process === line.process) as ReadCall;
      const epoch = page.records.at(-1)?.[2] ?? 1;
      const more: ReadCall = {
        ...page,
        offset: end,
        start: page.end as number,
        records: [[end, value, epoch]],
        commit: end + 1,
      };
      return [more, { ...line, to: end + 1 }];
    });
  },
  'a row is missing within a read': (lines, pick) => {
    const page = choose(lines, pick, isRead, ({ records }) => records.length > 2);
    return page && replaced(lines, page, [{ ...page, records: page.records.toSpliced(1, 1) }]);
  },
  'a page of a final read is missing': (lines, pick) => {
    const page = choose(lines, pick, inFinal);
    return page && replaced(lines, page, []);
  },
  'a row has another epoch': (lines, pick) => {
    const page = choose(lines, pick, inFinal, ({ records }) => records.length > 0);
    if (!page) return null;
    const [[offset, value, epoch], ...rest] = page.records as [ReadRow, ...ReadRow[]];
    return replaced(lines, page, [{ ...page, records: [[offset, value, epoch + 1], ...rest] }]);
  },
  'a linearizable read lacks the newest acknowledged record': (lines, pick) => {
    const stale = choose(
      lines,
      pick,
      isRead,
      ({ consistency, start }) =>
        consistency === 'linearizable' &&
        lines.some((line) => isAcknowledged(line) && (line.end as number) < start),
    );
    if (!stale) return null;
    const known = lines.filter(isAcknowledged).filter(({ end }) => (end as number) < stale.start);
    const commit = Math.max(...known.map(({ offset, values }) => (offset as number) + values.length)) - 1;
    const records = stale.records.filter(([offset]) => offset < commit);
    return replaced(lines, stale, [
      {
        ...stale,
        offset: Math.min(commit, stale.offset as number),
        records: (stale.offset as number) > commit ? [] : records,
        commit,
      },
    ]);
  },
  'the commit of a logger falls': (lines, pick) => {
    const later = choose(lines, pick, isRead, (one) => before(lines, one) !== null);
    if (!later) return null;
    const commit = (before(lines, later) as number) - 1;
    return replaced(lines, later, [
      { ...later, outcome: 'refused', code: 'offset-out-of-range', records: [], commit },
    ]);
  },
  'an append is moved behind one above it': (lines, pick) => {
    const low = choose(lines, pick, isAcknowledged, (one) =>
      lines.some((line) => isAcknowledged(line) && (line.offset as number) > (one.offset as number)),
    );
    if (!low) return null;
    const high = lines
      .filter(isAcknowledged)
      .find(({ offset }) => (offset as number) > (low.offset as number));
    assert.ok(high);
    const start = (high.end as number) + 0.25;
    return replaced(lines, low, [{ ...low, start, end: start + 0.25 }]);
  },
};

/** The highest commit that this logger told in a local read that was over when this one began; null if none or 0. */
function before(lines: readonly HistoryLine[], { logger, start, consistency }: ReadCall): number | null {
  if (consistency === 'linearizable') return null;
  const commits = lines
    .filter(isRead)
    .filter((one) => one.logger === logger && one.consistency === 'local' && (one.end as number) < start)
    .map(({ commit }) => commit ?? 0);
  return Math.max(0, ...commits) || null;
}
