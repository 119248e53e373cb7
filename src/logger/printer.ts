// Stdout as a view of the log: while this logger leads, each record is one line once commit has passed it. The printer
// follows commit at its own pace, reading the log; it never holds up an append, and keeps nothing but an offset.

import { isUtf8 } from 'node:buffer';
import type { Logger as PinoLogger } from 'pino';
import { messageOf } from '../errors.ts';
import { type Log, type LogRecord, recordsOf } from '../log/index.ts';
import type { ReplicatedLog, Role } from './replicated-log.ts';

const READ_BYTES = 256 * 1024;

export class Printer {
  readonly #log: Log;
  readonly #replicated: ReplicatedLog;
  readonly #out: PinoLogger;
  readonly #onPrinted: (records: number) => void;
  #next = 0;
  #leading = false;
  #running = false;

  constructor(log: Log, replicated: ReplicatedLog, out: PinoLogger, onPrinted: (records: number) => void) {
    this.#log = log;
    this.#replicated = replicated;
    this.#out = out;
    this.#onPrinted = onPrinted;
    // A new leader goes on where its own knowledge of commit ended: what the old one had printed beyond is printed again.
    replicated.onRole((role: Role) => {
      const leads = role.kind === 'leader';
      if (leads && !this.#leading) this.#next = replicated.commit;
      this.#leading = leads;
    });
    replicated.onCommit(() => this.#wake());
  }

  #wake(): void {
    if (this.#running || !this.#leading) return;
    this.#running = true;
    this.#run().then(
      () => {
        this.#running = false;
        // A commit that came between the loop's last look and this line must not wait for the next one.
        if (this.#next < this.#replicated.commit) this.#wake();
      },
      (error: unknown) => {
        this.#running = false;
        this.#out.error({ offset: this.#next }, `cannot print records: ${messageOf(error)}`);
      },
    );
  }

  async #run(): Promise<void> {
    while (this.#leading && this.#next < this.#replicated.commit) {
      const from = Math.max(this.#next, this.#log.first);
      const limits = { maxBytes: READ_BYTES, below: this.#replicated.commit };
      const batches = this.#log.readRecent(from, limits) ?? (await this.#log.read(from, limits));
      let printed = 0;
      for (const record of recordsOf(batches, from, this.#replicated.commit)) {
        this.#print(record);
        printed += 1;
        this.#next = record.offset + 1;
      }
      if (printed === 0) throw new Error(`no record at offset ${from} below commit`);
      this.#onPrinted(printed);
    }
  }

  #print({ offset, epoch, value }: LogRecord): void {
    if (isUtf8(value)) this.#out.info({ offset, epoch }, `Received ${value.toString('utf8')}`);
    else
      this.#out.info({ offset, epoch, base64: value.toString('base64') }, `Received ${value.length} bytes`);
  }
}
