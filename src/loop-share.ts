// Limits how long loops over records may hold the event loop. A reader that catches up finds its next chunk in memory and room in
// its socket, so it never waits: its loop ran for hundreds of milliseconds while heartbeats, appends and probes waited, and
// the followers elected another leader. All loops over records in this process now share a budget of a few milliseconds per
// turn of the event loop. A loop that finds the budget spent continues in a later turn.

/** Well below a heartbeat, and long enough that the turns themselves cost next to nothing. */
const SHARE_MS = 2;

export class LoopShare {
  readonly #now: () => number;
  readonly #nextTurn: (run: () => void) => void;
  /** When this turn's first work began; null while no work was done in it. */
  #beganMs: number | null = null;
  /** The longest waiting first. Bounded by the number of requests in progress. */
  readonly #waiting: (() => void)[] = [];

  constructor(
    now: () => number = () => performance.now(),
    nextTurn: (run: () => void) => void = setImmediate,
  ) {
    this.#now = now;
    this.#nextTurn = nextTurn;
  }

  /** To be asked between two pieces of work: true when the next one should wait for `turn`. */
  spent(): boolean {
    if (this.#beganMs === null) this.#begin();
    return this.#now() - (this.#beganMs as number) >= SHARE_MS;
  }

  /** Resolves in a later turn of the event loop, in the order of asking. */
  turn(): Promise<void> {
    if (this.#beganMs === null) this.#begin();
    return new Promise((resume) => this.#waiting.push(resume));
  }

  #begin(): void {
    this.#beganMs = this.#now();
    this.#nextTurn(() => {
      this.#beganMs = null;
      if (this.#waiting.length === 0) return;
      this.#begin();
      this.#resumeOne();
    });
  }

  /** The next one resumes only after this one has worked, so that the budget holds for all of them together. */
  #resumeOne(): void {
    const resume = this.spent() ? undefined : this.#waiting.shift();
    if (resume === undefined) return;
    resume();
    queueMicrotask(() => this.#resumeOne());
  }
}

/** The one of this process, as there is one event loop. */
export const loopShare = new LoopShare();
