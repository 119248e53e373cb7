// Histories written by hand, one call a line, and what the checker says of them.
import { Readable } from 'node:stream';
import {
  type AppendCall,
  type FinalRead,
  type HistoryHeader,
  type HistoryLine,
  type ReadCall,
  type ReadRow,
  type Report,
  verifyFiles,
} from '../../src/verify/index.ts';

export const LOGGER = 'http://a:1';
export const OTHER = 'http://b:1';

type Span = readonly [start: number, end: number];

export const header = (more: Partial<HistoryHeader> = {}): HistoryHeader => ({
  type: 'history',
  version: 1,
  name: 't',
  started: 0,
  base: 0,
  settings: {},
  ...more,
});

const process = (value: string): string => value.slice(0, value.indexOf(':'));

/** One append of values of one process, `p:1` or several; its call number is that of the first value. */
function append(values: readonly string[], [start, end]: Span, more: Partial<AppendCall>): AppendCall {
  const [first = ''] = values;
  const call = Number(first.slice(first.indexOf(':') + 1));
  return { type: 'append', process: process(first), call, start, end, outcome: 'unknown', values, ...more };
}

const list = (values: string | readonly string[]): readonly string[] => [values].flat();

export const ok = (
  values: string | readonly string[],
  offset: number,
  span: Span,
  more: Partial<AppendCall> = {},
): AppendCall =>
  append(list(values), span, { outcome: 'ok', offset, count: list(values).length, epoch: 1, ...more });

export const refused = (values: string | readonly string[], span: Span): AppendCall =>
  append(list(values), span, { outcome: 'refused', code: 'no-leader' });

export const unknown = (
  values: string | readonly string[],
  span: Span,
  more: Partial<AppendCall> = {},
): AppendCall => append(list(values), span, { outcome: 'unknown', code: 'timeout', ...more });

/** Rows of epoch 1 from an offset on. */
export const rows = (from: number, ...values: readonly string[]): ReadRow[] =>
  values.map((value, index) => [from + index, value, 1]);

/** A local read of everything that it gets; what it gets is committed, unless told otherwise. */
export function read(
  records: readonly ReadRow[],
  [start, end]: Span,
  more: Partial<ReadCall> = {},
): ReadCall {
  const last = records.at(-1);
  return {
    type: 'read',
    process: 'r',
    call: 0,
    start,
    end,
    outcome: 'ok',
    logger: LOGGER,
    consistency: 'local',
    offset: records[0]?.[0] ?? 0,
    records,
    commit: last ? last[0] + 1 : 0,
    ...more,
  };
}

/** A final read of one logger, all in one page. */
export function final(
  records: readonly ReadRow[],
  [start, end]: Span,
  logger = LOGGER,
): [ReadCall, FinalRead] {
  const from = records[0]?.[0] ?? 0;
  const to = (records.at(-1)?.[0] ?? -1) + 1;
  const name = `final ${logger}`;
  return [
    read(records, [start, end], { process: name, logger }),
    { type: 'final', process: name, logger, start, end, from, to, complete: true },
  ];
}

/** Of one file, whose header is line 1. */
export const verify = (lines: readonly HistoryLine[], others = false): Promise<Report> =>
  verifyText(textOf([header(), ...lines]), others);

export const textOf = (lines: readonly HistoryLine[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

export const verifyText = (text: string, others = false): Promise<Report> =>
  verifyFiles(['-'], { clockSkewMs: 0, others, input: Readable.from([Buffer.from(text)]) });
