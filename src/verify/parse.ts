// A line of a history, checked: whatever is missing or malformed is named, with the file and the line, and nothing is guessed.
import { messageOf } from '../errors.ts';
import {
  type AppendCall,
  HISTORY_VERSION,
  type HistoryLine,
  type ReadCall,
  type ReadRow,
} from './history.ts';

export class HistoryError extends Error {
  override readonly name = 'HistoryError';
}

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isTime: Check = (value) => typeof value === 'number' && value >= 0;
const isWhole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isOutcome: Check = (value) => value === 'ok' || value === 'refused' || value === 'unknown';
const isList: Check = Array.isArray;
const isTexts: Check = (value) => Array.isArray(value) && value.every((item) => typeof item === 'string');
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const CALL = { process: isText, call: isWhole, start: isTime, end: orNull(isTime), outcome: isOutcome };

/** The fields that a line must have. */
const REQUIRED: Readonly<Record<HistoryLine['type'], Readonly<Record<string, Check>>>> = {
  history: { version: isWhole, name: isText, started: isTime, base: orNull(isWhole), settings: isObject },
  sends: { process: isText, start: isTime, from: isWhole, to: isWhole },
  append: { ...CALL, values: isTexts },
  read: {
    ...CALL,
    logger: isText,
    consistency: (value) => value === 'local' || value === 'linearizable',
    offset: (value) => value === 'earliest' || value === 'latest' || isWhole(value),
    records: isList,
    commit: orNull(isWhole),
  },
  final: {
    process: isText,
    logger: isText,
    start: isTime,
    end: isTime,
    from: isWhole,
    to: isWhole,
    complete: (value) => typeof value === 'boolean',
  },
  event: { time: isTime, text: isText },
  summary: { start: isTime, end: isTime, appends: isObject, reads: isObject, gaps: isList },
};

const OPTIONAL: Readonly<Record<string, Check>> = {
  offset: (value) => value === 'earliest' || value === 'latest' || isWhole(value),
  count: isWhole,
  epoch: isWhole,
  producer: isText,
  producerEpoch: isWhole,
  sequence: isWhole,
  code: isText,
  attempts: isWhole,
  first: isWhole,
  forgets: isTexts,
};

/** `where` is the file and the line, for the message. Throws HistoryError. */
export function parseLine(text: string, where: string): HistoryLine {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (cause) {
    throw new HistoryError(`${where}: this is not JSON: ${messageOf(cause)}`, { cause });
  }
  const refuse = (what: string): never => {
    throw new HistoryError(`${where}: ${what}`);
  };
  if (!isObject(fields)) return refuse('this is no JSON object');
  const line = fields as Fields;
  const type = line.type;
  if (typeof type !== 'string' || !Object.hasOwn(REQUIRED, type))
    return refuse(
      `the type of this line is ${JSON.stringify(type)}, not one of ${Object.keys(REQUIRED).join(', ')}`,
    );
  checkFields(line, REQUIRED[type as HistoryLine['type']], type, refuse);
  const known = line as unknown as HistoryLine;
  if (known.type === 'append') checkAppend(known, refuse);
  else if (known.type === 'read') checkRead(known, refuse);
  else if (known.type === 'history' && known.version !== (HISTORY_VERSION as number))
    refuse(`this history is of version ${known.version}, this program reads version ${HISTORY_VERSION}`);
  return known;
}

function checkFields(
  line: Fields,
  required: Readonly<Record<string, Check>>,
  type: string,
  refuse: (what: string) => never,
): void {
  for (const name in required) {
    const value = line[name];
    if (value === undefined) refuse(`a line of type ${type} without ${JSON.stringify(name)}`);
    if (!required[name]?.(value)) refuse(`${JSON.stringify(name)} is ${shown(value)}`);
  }
  for (const name in OPTIONAL) {
    const value = line[name];
    if (value !== undefined && !OPTIONAL[name]?.(value)) refuse(`${JSON.stringify(name)} is ${shown(value)}`);
  }
  const { start, end } = line as { start?: number; end?: number | null };
  if (start !== undefined && typeof end === 'number' && end < start) refuse('it ends before it starts');
}

function checkAppend(
  { outcome, end, offset, count, epoch, values }: AppendCall,
  refuse: (what: string) => never,
) {
  if (values.length === 0) refuse('an append of no values');
  if (end === null && outcome !== 'unknown')
    refuse(`an append that never ended, but is ${JSON.stringify(outcome)}`);
  if (outcome === 'ok' && !(isWhole(offset) && isWhole(count) && isWhole(epoch)))
    refuse('an append that is ok has "offset", "count" and "epoch"');
}

function checkRead({ records, end, outcome }: ReadCall, refuse: (what: string) => never): void {
  if (end === null && outcome !== 'unknown')
    refuse(`a read that never ended, but is ${JSON.stringify(outcome)}`);
  for (const row of records)
    if (!isRow(row)) refuse(`a record read is ${shown(row)}, not [offset, value, epoch]`);
}

function isRow(row: unknown): row is ReadRow {
  if (!Array.isArray(row) || row.length < 3 || row.length > 4) return false;
  const [offset, value, epoch, timestampMs = 0] = row;
  return isWhole(offset) && typeof value === 'string' && isWhole(epoch) && isTime(timestampMs);
}

const SHOWN_CHARACTERS = 80;
const shown = (value: unknown): string => JSON.stringify(value).slice(0, SHOWN_CHARACTERS);
