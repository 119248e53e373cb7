// Times on the command line: how long, and since when.

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds of `500ms`, `30s`, `10m`, `2h` or `1d`; a bare number means seconds. Null for anything else. */
export function durationMs(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(text);
  if (!match) return null;
  return Number(match[1]) * UNITS_MS[(match[2] ?? 's') as keyof typeof UNITS_MS];
}

/** Milliseconds since 1970 of a moment as RFC 3339 writes it, or of that long before `nowMs`. Null for anything else. */
export function momentMs(text: string, nowMs: number): number | null {
  const ago = durationMs(text);
  if (ago !== null) return Math.max(0, nowMs - ago);
  const momentMs = RFC_3339.test(text) ? Date.parse(text.toUpperCase().replace(' ', 'T')) : Number.NaN;
  return momentMs >= 0 ? momentMs : null;
}
