// Request bodies as records. A raw body is one record and its bytes are kept exactly; NDJSON and JSON bodies hold elements,
// each a string or an object with `value` or `base64`. Whatever could not be given back as it came is refused, never mended.
import { isUtf8 } from 'node:buffer';
import { LoggerError } from '../errors.ts';
import type { RecordInput } from '../log/types.ts';
import { type AppendType, type BATCH_TYPE, JSON_TYPE, NDJSON } from './media.ts';

export interface RecordLimits {
  readonly recordBytes: number;
  readonly maxRecords: number;
}

/** The records of a body, at least one. Throws invalid-request, invalid-record, record-too-large or body-too-large. */
export function recordsOfBody(
  type: Exclude<AppendType, typeof BATCH_TYPE>,
  body: Buffer,
  limits: RecordLimits,
): readonly RecordInput[] {
  if (body.length === 0) throw new LoggerError('invalid-record', 'the body is empty: it holds no record');
  switch (type) {
    case NDJSON:
      return elementsOf(jsonLines(body), limits);
    case JSON_TYPE:
      return elementsOf(jsonArray(body), limits);
    default:
      return [within(limits, { value: body }, 0)];
  }
}

interface Element {
  readonly value: unknown;
  /** For the message: `line 3` or `element 2`. */
  readonly place: string;
}

const textOf = (body: Buffer): string => {
  if (!isUtf8(body)) throw new LoggerError('invalid-request', 'the body is not UTF-8');
  return body.toString('utf8');
};

function* jsonLines(body: Buffer): Iterable<Element> {
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
    yield { value: parsed(line, 'invalid-record', place), place };
  }
}

function* jsonArray(body: Buffer): Iterable<Element> {
  const array = parsed(textOf(body), 'invalid-request', 'the body');
  if (!Array.isArray(array)) throw new LoggerError('invalid-request', 'the body is not a JSON array');
  for (const [index, value] of array.entries()) yield { value, place: `element ${index}` };
}

function parsed(text: string, code: 'invalid-request' | 'invalid-record', place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LoggerError(code, `${place} is not JSON`, { cause });
  }
}

function elementsOf(elements: Iterable<Element>, limits: RecordLimits): readonly RecordInput[] {
  const records: RecordInput[] = [];
  for (const element of elements) {
    if (records.length === limits.maxRecords)
      throw new LoggerError('body-too-large', `the body holds more than ${limits.maxRecords} records`, {
        extra: { limitRecords: limits.maxRecords },
      });
    records.push(within(limits, recordOf(element), records.length));
  }
  if (records.length === 0) throw new LoggerError('invalid-record', 'the body holds no record');
  return records;
}

function within(limits: RecordLimits, record: RecordInput, index: number): RecordInput {
  const sizeBytes = record.value.length + (record.key?.length ?? 0);
  if (sizeBytes > limits.recordBytes)
    throw new LoggerError('record-too-large', `record ${index} has ${sizeBytes} bytes`, {
      extra: { record: index, limitBytes: limits.recordBytes },
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
