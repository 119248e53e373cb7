// One signal out of several and a deadline, without leaving listeners behind on signals that live for long (AbortSignal.any
// would, until collected).

export interface Linked {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Must be called when the work is over. */
  release(): void;
}

/** A signal that aborts with the first of `signals`, or with `timeoutReason()` after `timeoutMs`. */
export function linked(
  signals: readonly AbortSignal[],
  timeoutMs?: number,
  timeoutReason?: () => Error,
): Linked {
  const controller = new AbortController();
  const releases: (() => void)[] = [];
  for (const signal of signals) {
    const onAbort = (): void => controller.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    releases.push(() => signal.removeEventListener('abort', onAbort));
  }
  if (timeoutMs !== undefined) {
    const timer = setTimeout(() => controller.abort(timeoutReason?.()), timeoutMs);
    releases.push(() => clearTimeout(timer));
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => {
      for (const release of releases) release();
    },
  };
}
