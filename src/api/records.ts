// Request bodies as records. A raw body is one record and its bytes are kept exactly; NDJSON and JSON bodies hold elements,
// each a string or an object with `value` or `base64`. Whatever could not be given back as it came is refused, never mended.
import { isUtf8 } from 'node:buffer';
import { LoggerError } from '../errors.ts';
import type { RecordInput } from '../log/types.ts';
import { loopShare } from '../loop-share.ts';
import { membersIn, textOf } from './json.ts';
import { type JSON_TYPE, NDJSON } from './media.ts';

export interface RecordLimits {
  readonly recordBytes: number;
  readonly maxRecords: number;
}

/** A raw body, which is one record. Throws invalid-record or record-too-large. */
export function recordOfRaw(body: Buffer, limits: RecordLimits): RecordInput {
  refuseEmpty(body);
  return within(limits, { value: body }, 1, 'the body');
}

/** The records of a body of elements, at least one. Throws invalid-request, invalid-record, record-too-large or body-too-large. */
export async function recordsOfElements(
  type: typeof NDJSON | typeof JSON_TYPE,
  body: Buffer,
  limits: RecordLimits,
): Promise<readonly RecordInput[]> {
  refuseEmpty(body);
  const records: RecordInput[] = [];
  for (const element of type === NDJSON ? jsonLines(body) : jsonArray(body)) {
    if (records.length === limits.maxRecords)
      throw new LoggerError('body-too-large', `the body holds more than ${limits.maxRecords} records`, {
        extra: { limitRecords: limits.maxRecords },
      });
    records.push(within(limits, recordOf(element), records.length + 1, element.place));
    if (loopShare.spent()) await loopShare.turn();
  }
  if (records.length === 0) throw new LoggerError('invalid-record', 'the body holds no record');
  return records;
}

function refuseEmpty(body: Buffer): void {
  if (body.length === 0) throw new LoggerError('invalid-record', 'the body is empty: it holds no record');
}

interface Element {
  readonly value: unknown;
  /** For the message, counted from 1: `line 3` or `element 2`. */
  readonly place: string;
}

const LF = 0x0a;

function* jsonLines(body: Buffer): Iterable<Element> {
  if (!isUtf8(body)) throw malformed(`line ${lineNotUtf8(body)}`, 'is not UTF-8');
  const text = textOf(body);
  let number = 0;
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline === -1 ? text.length : newline;
    const line = text.slice(from, to);
    from = to + 1;
    number += 1;
    // Empty lines are skipped: the last one is what a final newline leaves.
    if (line.trim() === '') continue;
    const place = `line ${number}`;
    const value = parsed(line, place);
    if (membersIn(line) > membersOf(value)) throw malformed(place, 'has a field twice');
    yield { value, place };
  }
}

/** No character of UTF-8 but the line feed itself holds that byte. */
function lineNotUtf8(body: Buffer): number {
  for (let number = 1, from = 0; ; number += 1) {
    const newline = body.indexOf(LF, from);
    if (newline === -1 || !isUtf8(body.subarray(from, newline))) return number;
    from = newline + 1;
  }
}

function* jsonArray(body: Buffer): Iterable<Element> {
  if (!isUtf8(body)) throw new LoggerError('invalid-request', 'the body is not UTF-8');
  const text = textOf(body);
  let array: unknown;
  try {
    array = JSON.parse(text);
  } catch (cause) {
    const remedy = areLines(text) ? `: its lines are, so send it as ${NDJSON}` : '';
    throw new LoggerError('invalid-request', `the body is not JSON${remedy}`, { cause });
  }
  if (!Array.isArray(array))
    throw new LoggerError('invalid-request', `the body is not a JSON array: send that, or ${NDJSON}`);
  let members = 0;
  for (const [index, value] of array.entries()) {
    yield { value, place: `element ${index + 1}` };
    members += membersOf(value);
  }
  if (membersIn(text) > members)
    throw new LoggerError('invalid-record', 'one of the elements has a field twice');
}

/** Of an element as it should be, which has no objects within. */
const membersOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? Object.keys(value).length : 0;

/** Whether what is no JSON as a whole looks like one JSON text per line. */
function areLines(text: string): boolean {
  const [first = '', second = ''] = text.split('\n', 2);
  return isJson(first) && isJson(second);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parsed(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LoggerError('invalid-record', `${place} is not JSON`, { cause });
  }
}

/** `number` is that of the record in the body, from 1. */
function within(limits: RecordLimits, record: RecordInput, number: number, place: string): RecordInput {
  const sizeBytes = record.value.length + (record.key?.length ?? 0);
  if (sizeBytes > limits.recordBytes)
    throw new LoggerError('record-too-large', `${place} has a record of ${sizeBytes} bytes`, {
      extra: { record: number, limitBytes: limits.recordBytes },
    });
  return record;
}

const FIELDS = ['value', 'base64', 'key', 'keyBase64'] as const;
type Fields = Partial<Record<(typeof FIELDS)[number], unknown>>;

function recordOf({ value, place }: Element): RecordInput {
  if (typeof value === 'string') return { value: utf8(value, place) };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(place, 'is neither a string nor an object');
  for (const name of Object.keys(value))
    if (!FIELDS.some((field) => field === name))
      throw malformed(place, `has the unknown field ${JSON.stringify(name)}: it takes ${FIELDS.join(', ')}`);
  const fields: Fields = value;
  const bytes = oneOf(fields, 'value', 'base64', place);
  if (bytes === null) throw malformed(place, 'has neither "value" nor "base64"');
  const key = oneOf(fields, 'key', 'keyBase64', place);
  return key === null ? { value: bytes } : { key, value: bytes };
}

function oneOf(fields: Fields, text: keyof Fields, base64: keyof Fields, place: string): Buffer | null {
  const given = [text, base64].filter((name) => Object.hasOwn(fields, name));
  if (given.length === 0) return null;
  if (given.length === 2) throw malformed(place, `has both "${text}" and "${base64}"`);
  const name = given[0] === text ? text : base64;
  const value = fields[name];
  if (typeof value !== 'string') throw malformed(place, `has a "${name}" that is not a string`);
  return name === text ? utf8(value, place) : fromBase64(value, name, place);
}

/** JSON can spell half a surrogate pair, UTF-8 cannot: it would come back as another character. */
function utf8(text: string, place: string): Buffer {
  if (!text.isWellFormed()) throw malformed(place, 'holds half of a surrogate pair');
  return Buffer.from(text, 'utf8');
}

/** Node's decoder skips what it does not know; encoding again shows whether it did. */
function fromBase64(text: string, name: string, place: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text)
    throw malformed(place, `has a "${name}" that is not canonical base64`);
  return bytes;
}

const malformed = (place: string, what: string): LoggerError =>
  new LoggerError('invalid-record', `${place} ${what}`);
