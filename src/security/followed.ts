// A value read from files that may be replaced while the program runs, as Kubernetes does with a mounted Secret: read again
// from time to time. What cannot be read or makes no sense is told, and the last good value stays in use.
import { messageOf } from '../errors.ts';

/** Kubernetes itself takes up to a minute to bring a changed Secret to its pods. */
const REREAD_MS = 2_000;

export interface Followed<T> {
  readonly current: T;
  stop(): void;
}

/** Reads at once, throwing what `read` throws, and then every `everyMs`. `read` returns the same object while nothing changed. */
export async function follow<T>(
  read: (last: T | null) => Promise<T>,
  { onError, onChange, everyMs = REREAD_MS }: FollowOptions<T>,
): Promise<Followed<T>> {
  let current = await read(null);
  let told = '';
  let stopped = false;
  let timer: NodeJS.Timeout;
  const again = async (): Promise<void> => {
    try {
      const next = await read(current);
      told = '';
      if (next !== current && !stopped) onChange?.(next);
      current = next;
    } catch (error) {
      // Once for each kind of trouble, not every two seconds.
      if (messageOf(error) !== told) onError(error);
      told = messageOf(error);
    }
    if (!stopped) plan();
  };
  const plan = (): void => {
    timer = setTimeout(() => void again(), everyMs).unref();
  };
  plan();
  return {
    get current() {
      return current;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

interface FollowOptions<T> {
  readonly onError: (error: unknown) => void;
  readonly onChange?: (value: T) => void;
  readonly everyMs?: number;
}
