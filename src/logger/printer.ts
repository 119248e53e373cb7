// Stdout as a view of the log: while this logger leads, each record is one line once commit has passed it. The printer
// follows commit at its own pace, reading the log; it never holds up an append, and keeps nothing but an offset.
//
// A line costs more than the append of a small record. So only so many a second are printed one by one; what comes beyond
// them in the same second is one line that says which offsets it stands for. The log is the truth, and any logger serves it.

import { isUtf8 } from 'node:buffer';
import type { Logger as PinoLogger } from 'pino';
import { messageOf } from '../errors.ts';
import { type Log, type LogRecord, recordsOf } from '../log/index.ts';
import { loopShare } from '../loop-share.ts';
import type { ReplicatedLog, Role } from './replicated-log.ts';

const READ_BYTES = 256 * 1024;
const SECOND_MS = 1000;
/** After lines were printed the next ones wait this long, and so share a write: each costs a thread and back. */
const PAUSE_MS = 10;

export interface PrinterOptions {
  readonly log: Log;
  readonly replicated: Pick<ReplicatedLog, 'commit' | 'onRole' | 'onCommit'>;
  readonly out: PinoLogger;
  /** Records printed one by one in a second; 0: all. */
  readonly linesPerSecond: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Calls `run` once after `ms`. */
  readonly after: (ms: number, run: () => void) => void;
  /** Calls `run` once, after what is due now: clients have their answers before people have their lines. */
  readonly soon: (run: () => void) => void;
  readonly onPrinted: (records: number) => void;
}

export class Printer {
  readonly #options: PrinterOptions;
  readonly #linesPerSecond: number;
  #next = 0;
  /** Records below this are printed: all there will be while this logger leads, what was committed when it ceased to. */
  #until = 0;
  #running = false;
  #waking = false;
  #printedAtMs = Number.NEGATIVE_INFINITY;
  /** The second that is counted, and lines printed in it. */
  #secondMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  /** The rest of this second is summed up at its end. */
  #summing = false;

  constructor(options: PrinterOptions) {
    const { replicated, linesPerSecond } = options;
    this.#options = options;
    this.#linesPerSecond = linesPerSecond === 0 ? Number.POSITIVE_INFINITY : linesPerSecond;
    // A new leader goes on where its own knowledge of commit ended: what the old one had printed beyond is printed again.
    replicated.onRole((role: Role) => {
      const leads = role.kind === 'leader';
      if (leads === this.#leading) return;
      if (leads) this.#next = replicated.commit;
      this.#until = leads ? Number.POSITIVE_INFINITY : replicated.commit;
      if (this.#summing) this.#sumUp();
      this.#wake();
    });
    replicated.onCommit(() => this.#wakeSoon());
  }

  get #leading(): boolean {
    return this.#until === Number.POSITIVE_INFINITY;
  }

  /** Offset after the last record that may be printed now. */
  get #below(): number {
    return Math.min(this.#options.replicated.commit, this.#until);
  }

  #wakeSoon(): void {
    if (this.#waking || !this.#leading) return;
    this.#waking = true;
    const wake = (): void => {
      this.#waking = false;
      this.#wake();
    };
    const { now, after, soon } = this.#options;
    const waitMs = this.#printedAtMs + PAUSE_MS - now();
    if (waitMs > 0) after(waitMs, wake);
    else soon(wake);
  }

  #wake(): void {
    if (this.#running || this.#summing || this.#next >= this.#below) return;
    const { out } = this.#options;
    this.#running = true;
    this.#run().then(
      () => {
        this.#running = false;
        this.#printedAtMs = this.#options.now();
        // A commit that came between the loop's last look and this line must not wait for the next one.
        this.#wake();
      },
      (error: unknown) => {
        this.#running = false;
        out.error({ offset: this.#next }, `cannot print records: ${messageOf(error)}`);
      },
    );
  }

  async #run(): Promise<void> {
    const { log, onPrinted } = this.#options;
    while (this.#next < this.#below) {
      const most = this.#linesLeft();
      // A process that leads no more may end soon.
      if (most === 0) return this.#leading ? this.#sumUpLater() : this.#sumUp();
      const from = Math.max(this.#next, log.first);
      const below = this.#below;
      const limits = { maxBytes: READ_BYTES, below };
      const batches = log.readRecent(from, limits) ?? (await log.read(from, limits));
      let printed = 0;
      for (const record of recordsOf(batches, from, Math.min(below, from + most))) {
        this.#print(record);
        printed += 1;
        this.#next = record.offset + 1;
        if (loopShare.spent()) await loopShare.turn();
      }
      if (printed === 0) throw new Error(`no record at offset ${from} below commit`);
      this.#lines += printed;
      onPrinted(printed);
    }
  }

  #linesLeft(): number {
    const nowMs = this.#options.now();
    if (nowMs - this.#secondMs >= SECOND_MS) {
      this.#secondMs = nowMs;
      this.#lines = 0;
    }
    return Math.max(0, this.#linesPerSecond - this.#lines);
  }

  #sumUpLater(): void {
    const { now, after } = this.#options;
    this.#summing = true;
    after(Math.max(0, this.#secondMs + SECOND_MS - now()), () => {
      this.#summing = false;
      this.#sumUp();
      this.#wake();
    });
  }

  #sumUp(): void {
    const { out } = this.#options;
    const to = this.#below - 1;
    const records = to - this.#next + 1;
    if (records <= 0) return;
    out.info(
      { event: 'not-printed', from: this.#next, to, records },
      `${records} more records, at offsets ${this.#next} to ${to}, came faster than they are printed`,
    );
    this.#next = to + 1;
  }

  #print({ offset, epoch, value }: LogRecord): void {
    const { out } = this.#options;
    if (isUtf8(value)) out.info({ offset, epoch }, `Received ${value.toString('utf8')}`);
    else out.info({ offset, epoch, base64: value.toString('base64') }, `Received ${value.length} bytes`);
  }
}
