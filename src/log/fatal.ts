// The end of a log that cannot go on: after a failed fsync nobody knows what is on the disk, and the page cache would
// answer as if all were well. The first failure is told once; from then on every call fails with it.

export class Fatal {
  readonly #onFatal: (error: Error) => void;
  readonly #listeners: ((error: Error) => void)[] = [];
  #error: Error | null = null;

  constructor(onFatal: (error: Error) => void) {
    this.#onFatal = onFatal;
  }

  /** Why the log has ended; null while it goes on. */
  get error(): Error | null {
    return this.#error;
  }

  /** Called once, when the log ends, in whatever way. */
  subscribe(listener: (error: Error) => void): void {
    this.#listeners.push(listener);
  }

  /** Ends the log by a failure, unless it has ended. Returns the error that ended it. */
  raise(cause: unknown): Error {
    if (this.#error) return this.#error;
    const error = this.end(cause instanceof Error ? cause : new Error(String(cause)));
    this.#onFatal(error);
    return error;
  }

  /** Ends the log in an orderly way: later calls fail with `error`, nobody is alarmed. */
  end(error: Error): Error {
    this.#error = error;
    for (const listener of this.#listeners) listener(error);
    return error;
  }

  /** Throws when the log has ended. */
  check(): void {
    if (this.#error) throw this.#error;
  }
}
