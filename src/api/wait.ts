/** Runs a wait that a signal can end, and ends it after `ms` or when `outer` is aborted. */
export async function waitAtMost<T>(
  ms: number,
  outer: AbortSignal,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const abort = (): void => either.abort();
  const timer = setTimeout(abort, ms);
  outer.addEventListener('abort', abort, { once: true });
  if (outer.aborted) abort();
  try {
    return await wait(either.signal);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', abort);
  }
}
