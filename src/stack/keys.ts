// Keys on a terminal. In raw mode Ctrl-C is a key like others, and the terminal must be put back whatever happens.
import type { ReadStream } from 'node:tty';

export type Keys = Readonly<Record<string, () => void>>;

/** Calls what `keys` has for each key typed; returns how to stop that. */
export function readKeys(input: ReadStream, keys: Keys): () => void {
  const onData = (chunk: string): void => {
    for (const key of chunk) if (Object.hasOwn(keys, key)) keys[key]?.();
  };
  const restore = (): void => void input.setRawMode(false);
  input.setRawMode(true);
  input.setEncoding('utf8');
  input.on('data', onData);
  input.resume();
  process.once('exit', restore);
  return () => {
    input.off('data', onData);
    input.pause();
    process.off('exit', restore);
    restore();
  };
}
