// Whether the main thread's event loop turns, seen from the heartbeat thread: its count of turns must change.

export class TurnWatch {
  readonly #turns: Int32Array;
  readonly #suspectMs: number;
  #seen: number;
  #seenMs = performance.now();

  constructor(turns: SharedArrayBuffer, suspectMs: number) {
    this.#turns = new Int32Array(turns);
    this.#suspectMs = suspectMs;
    this.#seen = Atomics.load(this.#turns, 0);
  }

  /** To be called more often than each `suspectMs`. */
  look(): void {
    const turns = Atomics.load(this.#turns, 0);
    if (turns === this.#seen) return;
    this.#seen = turns;
    this.sign();
  }

  sign(): void {
    this.#seenMs = performance.now();
  }

  get stuck(): boolean {
    return performance.now() - this.#seenMs > this.#suspectMs;
  }
}
