// A log that says the same thing about the same peer once in a while, with the number of times it kept silent: a peer that
// is away fails a dial every second, which is news only once.
import { LOG_EVERY_MS, LOG_KEYS_MAX } from './limits.ts';

/** The part of a pino logger that the wire needs. */
export interface WireLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export class QuietLog {
  readonly #log: WireLog;
  readonly #said = new Map<string, { atMs: number; silent: number }>();

  constructor(log: WireLog) {
    this.#log = log;
  }

  info(fields: object, text: string): void {
    this.#log.info(fields, text);
  }

  error(fields: object, text: string): void {
    this.#log.error(fields, text);
  }

  /** `about` names the peer or address; with `text` it makes the key. */
  warn(about: string, fields: object, text: string): void {
    const key = `${about} ${text}`;
    const nowMs = performance.now();
    const last = this.#said.get(key);
    if (last !== undefined && nowMs - last.atMs < LOG_EVERY_MS) {
      last.silent += 1;
      return;
    }
    if (this.#said.size >= LOG_KEYS_MAX) this.#said.clear();
    this.#said.set(key, { atMs: nowMs, silent: 0 });
    this.#log.warn(last?.silent ? { ...fields, silent: last.silent } : fields, text);
  }
}
