// Checks of values that came as JSON from another process: nothing is believed about them. A shape is a table of
// fields and checks; fields that it does not name are ignored, so that a later version may add some.
import { TEXT_CHARS_MAX } from './limits.ts';

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;
/** A table with a check for every field of T, so that the compiler finds a forgotten one. */
export type FieldsOf<T> = { readonly [K in keyof T]-?: Check };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Offsets, epochs, numbers of things: whole, 0 or more, exact as a JavaScript number. */
export const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const positive: Check = (value) => whole(value) && (value as number) > 0;
export const flag: Check = (value) => typeof value === 'boolean';
export const finite: Check = (value) => Number.isFinite(value);
/** Milliseconds since 1970, as far as a Date reaches. A clock that is wrong may also say a time before. */
export const time: Check = (value) => finite(value) && Math.abs(value as number) <= 8.64e15;
export const text: Check = (value) =>
  typeof value === 'string' && value.length > 0 && value.length <= TEXT_CHARS_MAX;

const HOST_PORT = /^(?:\[[^\]]+\]|[^\s/]+):(\d{1,5})$/;
export const hostPort: Check = (value) => {
  const port = text(value) ? HOST_PORT.exec(value as string)?.[1] : undefined;
  return port !== undefined && Number(port) <= 65_535;
};

export const oneOf =
  (...choices: readonly (string | number)[]): Check =>
  (value) =>
    choices.includes(value as string | number);

export const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

/** For a field that older versions do not send. */
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

export const listOf =
  (check: Check, most: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check);

export const object =
  (fields: Fields): Check =>
  (value) =>
    isObject(value) && badField(value, fields) === null;

/** The name of the first field that is missing or wrong; null when all are right. */
export function badField(value: unknown, fields: Fields): string | null {
  if (!isObject(value)) return '(not an object)';
  for (const name in fields)
    if (!fields[name]!(Object.hasOwn(value, name) ? value[name] : undefined)) return name;
  return null;
}
