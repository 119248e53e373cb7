// The progress of dlog produce, one line that is drawn over again, on a terminal only. It counts what the loggers have
// acknowledged, not what was sent; the rate is that of the last seconds, so that a failover shows.

const DRAW_EVERY_MS = 100;
const RATE_OVER_MS = 3000;
const BAR_COLUMNS = 24;
const ERASE_LINE = '\r\u001b[2K';

/** Where progress is drawn. */
export interface ProgressTerminal {
  write(text: string): void;
  readonly columns: number;
}

export interface Advance {
  readonly records: number;
  readonly bytes: number;
}

export class Progress {
  readonly #terminal: ProgressTerminal;
  readonly #totalBytes: number | null;
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #timer: NodeJS.Timeout;
  /** When how many records were acknowledged, of the last seconds; the oldest one begins the interval of the rate. */
  #marks: { readonly atMs: number; readonly records: number }[];
  #records = 0;
  #bytes = 0;

  /** `totalBytes` is null where nobody knows how much is to come. */
  constructor(
    terminal: ProgressTerminal,
    totalBytes: number | null,
    now: () => number = () => performance.now(),
  ) {
    this.#terminal = terminal;
    this.#totalBytes = totalBytes;
    this.#now = now;
    this.#startMs = now();
    this.#marks = [{ atMs: this.#startMs, records: 0 }];
    this.#timer = setInterval(() => this.#draw(), DRAW_EVERY_MS);
    this.#timer.unref();
  }

  advance({ records, bytes }: Advance): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.#timer);
    this.#terminal.write(ERASE_LINE);
  }

  /** The line as it is now, without what does not fit into `columns`. */
  line(columns: number): string {
    const nowMs = this.#now();
    this.#marks.push({ atMs: nowMs, records: this.#records });
    while ((this.#marks[1]?.atMs ?? nowMs) < nowMs - RATE_OVER_MS) this.#marks.shift();
    const [begin] = this.#marks as [{ atMs: number; records: number }];
    const seconds = (nowMs - begin.atMs) / 1000;
    const perSecond = seconds > 0 ? Math.round((this.#records - begin.records) / seconds) : 0;
    const counted = `${grouped(this.#records)} records  ${grouped(perSecond)}/s  ${clock(nowMs - this.#startMs)}`;
    return (this.#bar() + counted).slice(0, Math.max(1, columns - 1));
  }

  #bar(): string {
    if (this.#totalBytes === null) return '';
    const part = this.#totalBytes === 0 ? 1 : Math.min(1, this.#bytes / this.#totalBytes);
    const filled = Math.floor(part * BAR_COLUMNS);
    const percent = String(Math.floor(part * 100)).padStart(3);
    return `[${'#'.repeat(filled)}${'.'.repeat(BAR_COLUMNS - filled)}] ${percent} %  `;
  }

  #draw(): void {
    this.#terminal.write(ERASE_LINE + this.line(this.#terminal.columns));
  }
}

const grouped = (value: number): string => value.toLocaleString('en-US');

const clock = (ms: number): string => {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};
