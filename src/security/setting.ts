// A file or directory that a setting names, followed: what is wrong with it at the start is a wrong configuration and ends the
// program; what is wrong with it later is a line in the log, and what was read last stays in use.
import { ConfigError } from '../config.ts';
import { messageOf } from '../errors.ts';
import { type Followed, follow } from './followed.ts';

export interface SettingOptions<T> {
  /** Of the environment, for whoever has to mend it. */
  readonly variable: string;
  /** What it is, to begin a line of the log with. */
  readonly what: string;
  readonly log: { info(fields: object, text: string): void; error(text: string): void };
  /** Told of what was read, at first and after each change. */
  readonly onRead?: (value: T) => void;
  readonly onFailure?: () => void;
}

/** Null where the setting names no file. Rejects with ConfigError. */
export async function followFile(
  file: string,
  read: (file: string, last: string | null) => Promise<string>,
  options: SettingOptions<string>,
): Promise<Followed<string> | null> {
  return file === '' ? null : followSetting((last: string | null) => read(file, last), options);
}

/** Rejects with ConfigError. */
export async function followSetting<T>(
  read: (last: T | null) => Promise<T>,
  { variable, what, log, onRead, onFailure }: SettingOptions<T>,
): Promise<Followed<T>> {
  try {
    const followed = await follow(read, {
      onError(error) {
        onFailure?.();
        log.error(`${what}: ${messageOf(error)}; what was read last stays in use`);
      },
      onChange(value) {
        log.info({ event: 'file-changed', variable }, `${what}: read anew`);
        onRead?.(value);
      },
    });
    onRead?.(followed.current);
    return followed;
  } catch (error) {
    throw new ConfigError([`${variable}: ${messageOf(error)}`]);
  }
}
