// Whether the main thread is stuck, seen from the heartbeat thread. It counts in shared memory: turns of its event loop, which a timer
// makes, and steps, which are events that it takes in. Under overload one turn answers requests for a second and more: no timer
// fires, yet the thread is not stuck. But what a turn appends goes to the followers at its end, so one that never ends serves nobody,
// however many steps it takes.

/** So many `suspectMs` a turn may take while it makes steps: as long as links bear silence. */
const LONG_TURN_SUSPECTS = 5;
const TURNS = 0;
const STEPS = 1;

/** Shared between the two threads. */
export const turnCounts = (): SharedArrayBuffer => new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);

/** The main thread's side. */
export class TurnCounter {
  readonly #counts: Int32Array;

  constructor(counts: SharedArrayBuffer) {
    this.#counts = new Int32Array(counts);
  }

  turn(): void {
    Atomics.add(this.#counts, TURNS, 1);
  }

  step(): void {
    Atomics.add(this.#counts, STEPS, 1);
  }
}

export class TurnWatch {
  readonly #counts: Int32Array;
  readonly #suspectMs: number;
  readonly #now: () => number;
  #turns: number;
  #steps: number;
  #turnedMs: number;
  #seenMs: number;

  constructor(counts: SharedArrayBuffer, suspectMs: number, now = (): number => performance.now()) {
    this.#counts = new Int32Array(counts);
    this.#suspectMs = suspectMs;
    this.#now = now;
    this.#turns = Atomics.load(this.#counts, TURNS);
    this.#steps = Atomics.load(this.#counts, STEPS);
    this.#turnedMs = now();
    this.#seenMs = this.#turnedMs;
  }

  /** To be called more often than each `suspectMs`. */
  look(): void {
    const turns = Atomics.load(this.#counts, TURNS);
    const steps = Atomics.load(this.#counts, STEPS);
    if (turns !== this.#turns) this.sign();
    else if (steps !== this.#steps) this.#seenMs = this.#now();
    this.#turns = turns;
    this.#steps = steps;
  }

  /** Another sign of a turn than its count. */
  sign(): void {
    this.#turnedMs = this.#now();
    this.#seenMs = this.#turnedMs;
  }

  get stuck(): boolean {
    const nowMs = this.#now();
    return (
      nowMs - this.#seenMs > this.#suspectMs || nowMs - this.#turnedMs > LONG_TURN_SUSPECTS * this.#suspectMs
    );
  }
}
