// That a logger was heard again, and said what it had said before: nearly all that heartbeats bring. A count in shared memory tells it,
// at which the main thread looks when it turns, for a message between threads costs both of them more than the beat.
import type { Beat } from '../replica/types.ts';
import type { Heard } from './beat-words.ts';
import { HEARD_COUNTS_MAX } from './limits.ts';

/** For each logger, and for no other as long as the process runs: the number of what it says, and how often it said so. */
const WORDS = 2;
const SAYING = 0;
const COUNT = 1;

/** Shared between the two threads. */
export const heardCounts = (): SharedArrayBuffer =>
  new SharedArrayBuffer(HEARD_COUNTS_MAX * WORDS * Int32Array.BYTES_PER_ELEMENT);

/** Where it is counted that a logger says the same again, and the number of what it says. */
export interface Place {
  readonly at: number;
  readonly saying: number;
}

/** The heartbeat thread's side. */
export class HeardCounter {
  readonly #counts: Int32Array;
  readonly #places = new Map<string, number>();

  constructor(counts: SharedArrayBuffer) {
    this.#counts = new Int32Array(counts);
  }

  /** The logger says something else from now on; null when there is no room for one more. */
  next(uid: string): Place | null {
    const at = this.#places.get(uid) ?? this.#places.size * WORDS;
    if (at === this.#counts.length) return null;
    this.#places.set(uid, at);
    return { at, saying: Atomics.add(this.#counts, at + SAYING, 1) + 1 };
  }

  again({ at }: Place): void {
    Atomics.add(this.#counts, at + COUNT, 1);
  }
}

/** The main thread's side. */
export class HeardReader {
  readonly #counts: Int32Array;
  readonly #known = new Map<string, { readonly place: Place; readonly beat: Beat; seen: number }>();

  constructor(counts: SharedArrayBuffer) {
    this.#counts = new Int32Array(counts);
  }

  /** What the count stands for from now on. What it has counted so far is no news. */
  told({ uid, beat, place }: Heard): void {
    if (place === null) this.#known.delete(uid);
    else this.#known.set(uid, { place, beat, seen: Atomics.load(this.#counts, place.at + COUNT) });
  }

  /** Each logger that was heard since, with what it says; once, however often. One that says something else is still to be told. */
  look(heard: (uid: string, beat: Beat) => void): void {
    for (const [uid, known] of this.#known) {
      const count = Atomics.load(this.#counts, known.place.at + COUNT);
      if (count === known.seen) continue;
      if (Atomics.load(this.#counts, known.place.at + SAYING) !== known.place.saying) continue;
      known.seen = count;
      heard(uid, known.beat);
    }
  }
}
