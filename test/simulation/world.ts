// Simulated time: a heap of what happens when, and the promises between. After each happening all promise reactions have
// run before the next one, so the order of everything is a function of the seed. What belongs to a process waits while it
// is paused and is dropped once it is dead.
import { Random } from './random.ts';

export interface Owner {
  readonly alive: boolean;
  /** Null while it runs; what happens to a paused process is put here. */
  paused: (() => void)[] | null;
}

interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  readonly owner: Owner | null;
}

export class World {
  readonly random: Random;
  now = 0;
  steps = 0;
  #order = 0;
  readonly #heap: Happening[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  after(ms: number, owner: Owner | null, run: () => void): void {
    this.#order += 1;
    this.#push({ atMs: this.now + Math.max(0, ms), order: this.#order, run, owner });
  }

  /** Resolves after that much simulated time; never, if the owner dies. */
  sleep(ms: number, owner: Owner | null): Promise<void> {
    return new Promise((resolve) => this.after(ms, owner, resolve));
  }

  /** Runs the next happening; false when there is none. */
  async step(): Promise<boolean> {
    const next = this.#pop();
    if (!next) return false;
    this.now = Math.max(this.now, next.atMs);
    this.steps += 1;
    if (next.owner && !next.owner.alive) return true;
    if (next.owner?.paused) next.owner.paused.push(next.run);
    else next.run();
    await settled();
    return true;
  }

  resume(owner: Owner): void {
    const waiting = owner.paused ?? [];
    owner.paused = null;
    for (const run of waiting) this.after(0, owner, run);
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.push(happening) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(happening, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

const isBefore = (a: Happening, b: Happening): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** All promise reactions that are due run before an immediate does. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
