// One at a time, in the order of asking: what touches the segment files takes turns.

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all that was asked for before has ended, however it ended. Never synchronously. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    // Whoever asked deals with the failure; those behind must not wait for ever.
    this.#last = result.catch(() => {});
    return result;
  }
}
