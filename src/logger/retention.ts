// Old segments go by size and age, as the leader decides; asked again and again, since both grow with time.

const RETENTION_INTERVAL_MS = 10_000;

export interface RetentionPolicy {
  /** 0 keeps all. */
  readonly maxBytes: number;
  /** 0 keeps all. */
  readonly maxAgeMs: number;
}

export function keepRetention(
  { maxBytes, maxAgeMs }: RetentionPolicy,
  retain: (policy: RetentionPolicy & { nowMs: number }) => Promise<void>,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): void {
  if (maxBytes === 0 && maxAgeMs === 0) return;
  const limit = (value: number): number => (value === 0 ? Number.POSITIVE_INFINITY : value);
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    retain({ maxBytes: limit(maxBytes), maxAgeMs: limit(maxAgeMs), nowMs: Date.now() })
      .catch(onError)
      .finally(() => {
        running = false;
      });
  }, RETENTION_INTERVAL_MS);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
