// Whole numbers on the command line.

/** Null where not given. Throws Error with what is wrong. */
export function wholeNumber(
  name: string,
  text: unknown,
  [low, high]: readonly [number, number],
): number | null {
  if (text === undefined) return null;
  const value = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new Error(`--${name} is ${JSON.stringify(text)}: it takes a whole number from ${low} to ${high}`);
}
