// Appends that wait for their commit. They are appended in order and so are committed in order: a queue with a moving
// head, which costs nothing per record. Repeats of earlier batches wait beside it, since their end may lie anywhere below.
import type { AppendResult } from '../../api/types.ts';
import { LoggerError } from '../../errors.ts';

interface Waiting {
  readonly end: number;
  readonly result: AppendResult;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: LoggerError) => void;
}

const COMPACT_AT = 1024;

export class Pending {
  #queue: Waiting[] = [];
  #head = 0;
  #repeats: Waiting[] = [];

  get size(): number {
    return this.#queue.length - this.#head + this.#repeats.length;
  }

  /** Resolves with `result` once commit reaches its end. */
  wait(result: AppendResult, repeat: boolean): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const waiting = { end: result.offset + result.count, result, resolve, reject };
      (repeat ? this.#repeats : this.#queue).push(waiting);
    });
  }

  committed(commit: number): void {
    while (this.#head < this.#queue.length && this.#queue[this.#head]!.end <= commit) {
      const { resolve, result } = this.#queue[this.#head]!;
      this.#head += 1;
      resolve(result);
    }
    if (this.#head >= COMPACT_AT || this.#head === this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#repeats.length > 0) this.#repeats = this.#repeats.filter((one) => !settled(one, commit));
  }

  /** Rule 7: they may be committed yet, under a later leader, or not: unknown, never success. */
  unknown(): void {
    const open = [...this.#queue.slice(this.#head), ...this.#repeats];
    this.#queue = [];
    this.#head = 0;
    this.#repeats = [];
    for (const { reject } of open) reject(new LoggerError('outcome-unknown'));
  }
}

function settled({ end, resolve, result }: Waiting, commit: number): boolean {
  if (end > commit) return false;
  resolve(result);
  return true;
}
