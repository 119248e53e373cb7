// The values of a process, numbered; announced in the history a block at a time before the first of a block is sent, so that a
// value whose call was never recorded is known as one that may have been sent.
import { historyNow } from '../history.ts';
import type { Recorder } from './recorder.ts';

const BLOCK = 1000;

export class SentValues {
  readonly #process: string;
  readonly #recorder: Recorder;
  #next = 1;
  #announced = 0;

  constructor(process: string, recorder: Recorder) {
    this.#process = process;
    this.#recorder = recorder;
  }

  take(count: number): string[] {
    return Array.from({ length: count }, () => this.#take());
  }

  #take(): string {
    if (this.#next > this.#announced) {
      const from = this.#announced + 1;
      this.#announced += BLOCK;
      this.#recorder.line({
        type: 'sends',
        process: this.#process,
        start: historyNow(),
        from,
        to: this.#announced,
      });
    }
    this.#next += 1;
    return `${this.#process}:${this.#next - 1}`;
  }
}
