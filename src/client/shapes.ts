// What members of an answer must be before it is believed: the loggers are another version, or something stands between.

/** A check for each member that an answer must have; others may stand beside them. */
export type ShapeOf<T> = { readonly [Name in keyof T]?: (value: unknown) => boolean };

/** Offsets, epochs, times: whole, 0 or more, exact. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
export const isText = (value: unknown): boolean => typeof value === 'string';
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A base URL without a slash at its end; null for what is none. */
export const baseUrl = (api: unknown): string | null =>
  typeof api === 'string' && /^https?:\/\//.test(api) && URL.canParse(api) ? api.replace(/\/$/, '') : null;

/** For what loggers of before do not tell. */
export const optional =
  (check: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || check(value);

/** Name of the first member that is missing or wrong; null when all are right. */
export function wrongMember<T>(value: Readonly<Record<string, unknown>>, shape: ShapeOf<T>): string | null {
  for (const name in shape) if (!shape[name]?.(value[name])) return name;
  return null;
}
