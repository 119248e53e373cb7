// Reads durations as Go writes them, which is how Consul answers with a TTL: "15s", "1m30s", "24h0m0s", "10000ms".

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds; null when the text is no duration above 0. */
export function parseDurationMs(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return null;
  let sumMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    sumMs += Number(amount) * (unitMs[unit ?? ''] ?? Number.NaN);
  }
  return sumMs > 0 && Number.isFinite(sumMs) ? sumMs : null;
}
