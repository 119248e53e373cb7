// Query parameters, read strictly: an unknown, repeated or malformed one is refused, so that a misspelt `ofset=5` is an
// error and not the whole log.
import { LoggerError } from '../errors.ts';

export type Query<Name extends string> = Readonly<Partial<Record<Name, string>>>;

export function readQuery<const Names extends readonly string[]>(
  query: unknown,
  names: Names,
): Query<Names[number]> {
  const values: Partial<Record<Names[number], string>> = {};
  for (const [name, value] of Object.entries(query as Record<string, string | string[]>)) {
    if (!isOneOf(names, name)) {
      const takes = names.length === 0 ? 'it takes none' : `it takes ${names.join(', ')}`;
      throw new LoggerError('invalid-request', `unknown query parameter ${JSON.stringify(name)}: ${takes}`);
    }
    if (typeof value !== 'string')
      throw new LoggerError('invalid-request', `query parameter ${name} is given more than once`);
    values[name] = value;
  }
  return values;
}

const isOneOf = <const Names extends readonly string[]>(names: Names, name: string): name is Names[number] =>
  names.includes(name);

/** A whole number in decimal digits, from `low` to `high`; anything else is refused with `code`. */
export function wholeNumber(
  name: string,
  text: string,
  [low, high]: readonly [number, number],
  code: 'invalid-request' | 'invalid-offset' = 'invalid-request',
): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high))
    throw new LoggerError(
      code,
      `${name} is ${JSON.stringify(text)}: it takes a whole number from ${low} to ${high}`,
    );
  return value;
}

/** Milliseconds from `250`, `250ms` or `5s`. */
export function duration(name: string, text: string, maxMs: number): number {
  const match = /^(\d{1,9})(ms|s)?$/.exec(text);
  const value = match ? Number(match[1]) * (match[2] === 's' ? 1000 : 1) : Number.NaN;
  if (!(value <= maxMs))
    throw new LoggerError(
      'invalid-request',
      `${name} is ${JSON.stringify(text)}: it takes milliseconds or seconds such as 250ms or 5s, ${maxMs / 1000}s at most`,
    );
  return value;
}

export function choiceOf<const C extends readonly string[]>(
  name: string,
  text: string,
  choices: C,
): C[number] {
  if (!isOneOf(choices, text))
    throw new LoggerError(
      'invalid-request',
      `${name} is ${JSON.stringify(text)}: it takes ${choices.join(' or ')}`,
    );
  return text;
}
