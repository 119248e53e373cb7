// JSON as bodies hold it: read strictly where JSON.parse is lenient, which keeps the last of several members of one name and takes no
// byte order mark.
import { isUtf8 } from 'node:buffer';
import { LoggerError } from '../errors.ts';

const COLON = ':'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);

/** Of UTF-8. A byte order mark says nothing there, but programs on Windows write it: it is left out. */
export const textOf = (body: Buffer): string => body.toString('utf8').replace(/^\uFEFF/, '');

/** The members of all objects in a JSON text, as they are written: more than in what it is parsed to where a name stands twice. */
export function membersIn(text: string): number {
  let members = 0;
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf('"', at);
    const end = open === -1 ? text.length : open;
    for (; at < end; at += 1) if (text.charCodeAt(at) === COLON) members += 1;
    if (open !== -1) at = afterString(text, open);
  }
  return members;
}

/** Position after the string that begins at `open`. */
function afterString(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close !== -1; close = text.indexOf('"', close + 1)) {
    let slashes = 0;
    while (text.charCodeAt(close - slashes - 1) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return close + 1;
  }
  return text.length;
}

/** The value of the one field that a command takes; undefined where the object lacks it. Throws invalid-request. */
export function fieldOf(body: Buffer, field: string): unknown {
  const refuse = (detail: string, cause?: unknown): LoggerError =>
    new LoggerError('invalid-request', detail, { cause });
  if (!isUtf8(body)) throw refuse('the body is not UTF-8');
  const text = textOf(body);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    throw refuse('the body is not JSON', cause);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw refuse('the body is not a JSON object');
  const names = Object.keys(given);
  const unknown = names.find((name) => name !== field);
  if (unknown !== undefined) throw refuse(`unknown field ${JSON.stringify(unknown)}: it takes ${field}`);
  if (membersIn(text) > names.length) throw refuse('the body has a field twice, or an object in it');
  return (given as Readonly<Record<string, unknown>>)[field];
}
