// Records as NDJSON, the body of an append. A record is encoded once, when it is handed over: repeated attempts send the
// same bytes, and the queue knows what it holds.
import type { RecordToSend, Sendable } from './types.ts';

export interface Encoded {
  readonly lines: Buffer;
  readonly count: number;
}

/** Throws TypeError for what is no record, and for text that is not well-formed: UTF-8 could not carry it. */
export function encodeRecords(input: Sendable | readonly Sendable[]): Encoded {
  const list = isList(input) ? input : [input];
  if (list.length === 0) throw new TypeError('no record to send');
  return { lines: Buffer.from(list.map(lineOf).join('')), count: list.length };
}

const isList = (input: Sendable | readonly Sendable[]): input is readonly Sendable[] => Array.isArray(input);

function lineOf(given: Sendable): string {
  const { key, value }: RecordToSend =
    typeof given === 'string' || given instanceof Uint8Array ? { value: given } : given;
  const valueMember = member(value, 'value', 'base64');
  return key === undefined ? `{${valueMember}}\n` : `{${member(key, 'key', 'keyBase64')},${valueMember}}\n`;
}

function member(given: string | Uint8Array, text: string, base64: string): string {
  if (typeof given === 'string') {
    if (!given.isWellFormed()) throw new TypeError(`the ${text} holds half of a surrogate pair`);
    return `"${text}":${JSON.stringify(given)}`;
  }
  if (!(given instanceof Uint8Array)) throw new TypeError(`the ${text} is neither a string nor bytes`);
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  return `"${base64}":"${bytes.toString('base64')}"`;
}
