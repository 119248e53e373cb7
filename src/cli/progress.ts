// The progress of records that are sent: it counts what the loggers have acknowledged, not what was sent; the rate is that of
// the last seconds, so that a failover shows.
import { bar, clock, grouped, type ProgressTerminal, StatusLine } from './status-line.ts';

const RATE_OVER_MS = 3000;

export interface Advance {
  readonly records: number;
  readonly bytes: number;
}

export interface ProgressOptions {
  /** How much of all is done, from 0 to 1; null where nobody knows. */
  readonly part: (bytes: number, elapsedMs: number) => number | null;
  /** What else the line tells. */
  readonly more?: () => string;
  readonly now?: () => number;
}

export class Progress {
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #drawn: StatusLine;
  /** When how many records were acknowledged, of the last seconds; the oldest one begins the interval of the rate. */
  #marks: { readonly atMs: number; readonly records: number }[];
  #records = 0;
  #bytes = 0;

  constructor(terminal: ProgressTerminal, options: ProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#startMs = this.#now();
    this.#marks = [{ atMs: this.#startMs, records: 0 }];
    this.#drawn = new StatusLine(terminal, () => this.line());
  }

  advance({ records, bytes }: Advance): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  /** Takes the line away. */
  end(): void {
    this.#drawn.end();
  }

  /** The line as it is now. */
  line(): string {
    const { part, more } = this.#options;
    const nowMs = this.#now();
    this.#marks.push({ atMs: nowMs, records: this.#records });
    while ((this.#marks[1]?.atMs ?? nowMs) < nowMs - RATE_OVER_MS) this.#marks.shift();
    const [begin] = this.#marks as [{ atMs: number; records: number }];
    const seconds = (nowMs - begin.atMs) / 1000;
    const perSecond = seconds > 0 ? Math.round((this.#records - begin.records) / seconds) : 0;
    const elapsedMs = nowMs - this.#startMs;
    const done = part(this.#bytes, elapsedMs);
    return [
      ...(done === null ? [] : [bar(done)]),
      `${grouped(this.#records)} records`,
      `${grouped(perSecond)}/s`,
      ...(more ? [more()] : []),
      clock(elapsedMs),
    ].join('  ');
  }
}
