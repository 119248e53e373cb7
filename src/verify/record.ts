// Everything that a history says, kept so that a million calls fit in memory: calls as columns of numbers, texts once each, and
// of what was read only the first sight of each record. A later sight is compared with the first one at once and forgotten.
import type { Evidence, Findings } from './anomalies.ts';
import { NONE, OUTCOMES } from './codes.ts';
import { describeAppend, describeRead } from './describe.ts';
import type { AppendCall, EventLine, FinalRead, HistoryHeader, ReadCall, SendsLine } from './history.ts';
import { Ledger } from './ledger.ts';
import { Names } from './names.ts';
import { Numbers } from './numbers.ts';
import { HistoryError } from './parse.ts';

/** Where a line stands. */
export interface Place {
  readonly file: number;
  readonly line: number;
}

const appendColumns = () => ({
  file: new Numbers(),
  line: new Numbers(),
  process: new Numbers(),
  call: new Numbers(),
  start: new Numbers(),
  end: new Numbers(),
  outcome: new Numbers(),
  offset: new Numbers(),
  count: new Numbers(),
  epoch: new Numbers(),
  producer: new Numbers(),
  /** Its values are those from here on, `size` of them, in `sent`. */
  firstSent: new Numbers(),
  size: new Numbers(),
});

const readColumns = () => ({
  file: new Numbers(),
  line: new Numbers(),
  process: new Numbers(),
  start: new Numbers(),
  end: new Numbers(),
  outcome: new Numbers(),
  logger: new Numbers(),
  /** 1 for linearizable. */
  linearizable: new Numbers(),
  asked: new Numbers(),
  first: new Numbers(),
  next: new Numbers(),
  commit: new Numbers(),
});

/** What the reads of one process cover together, for those that are a final read. */
export interface Cover {
  readonly from: number;
  next: number;
  /** The read that did not begin where the one before it ended. */
  brokenBy: number | null;
}

export class Recorded {
  readonly files: string[] = [];
  readonly headers: (HistoryHeader & Place)[] = [];
  readonly finals: (FinalRead & Place)[] = [];
  readonly events: EventLine[] = [];
  readonly sends = new Map<string, (SendsLine & Place)[]>();
  readonly covers = new Map<number, Cover>();
  readonly appends = appendColumns();
  readonly reads = readColumns();
  /** Names of processes, loggers and producers. */
  readonly names = new Names();
  /** Values, whether sent or read. */
  readonly values = new Names();
  /** Numbers of the values sent, append by append. */
  readonly sent = new Numbers();
  /** The append that sent a value; NONE for values only read. By the value's number. */
  readonly appendOf = new Numbers();
  readonly ledger: Ledger;
  readonly findings: Findings;

  constructor(findings: Findings) {
    this.findings = findings;
    this.ledger = new Ledger(this);
  }

  addAppend(call: AppendCall, { file, line }: Place): void {
    const { appends, names } = this;
    const at = appends.line.length;
    appends.file.push(file);
    appends.line.push(line);
    appends.process.push(names.number(call.process));
    appends.call.push(call.call);
    appends.start.push(call.start);
    appends.end.push(call.end ?? NONE);
    appends.outcome.push(OUTCOMES.indexOf(call.outcome));
    appends.offset.push(call.outcome === 'ok' ? (call.offset ?? NONE) : NONE);
    appends.count.push(call.count ?? NONE);
    appends.epoch.push(call.epoch ?? NONE);
    appends.producer.push(call.producer === undefined ? NONE : names.number(call.producer));
    appends.firstSent.push(this.sent.length);
    appends.size.push(call.values.length);
    for (const text of call.values) {
      const value = this.valueNumber(text);
      const before = this.appendOf.at(value);
      if (before !== NONE)
        throw new HistoryError(
          `${this.files[file]}:${line}: ${JSON.stringify(text)} was sent before, by line ${appends.line.at(before)} of ${this.files[appends.file.at(before)]}: values must be unique`,
        );
      this.appendOf.set(value, at);
      this.sent.push(value);
    }
  }

  addRead(call: ReadCall, { file, line }: Place): void {
    const { reads, names, ledger } = this;
    const at = reads.line.length;
    const [first] = call.records;
    const last = call.records.at(-1);
    reads.file.push(file);
    reads.line.push(line);
    reads.process.push(names.number(call.process));
    reads.start.push(call.start);
    reads.end.push(call.end ?? NONE);
    reads.outcome.push(OUTCOMES.indexOf(call.outcome));
    reads.logger.push(names.number(call.logger));
    reads.linearizable.push(call.consistency === 'linearizable' ? 1 : 0);
    reads.asked.push(typeof call.offset === 'number' ? call.offset : NONE);
    reads.first.push(first ? first[0] : NONE);
    reads.next.push(last ? last[0] + 1 : NONE);
    reads.commit.push(call.commit ?? NONE);
    for (const row of call.records) ledger.see(row, at);
    if (first && last) this.#cover(names.number(call.process), first[0], last[0] + 1, at);
  }

  addSends(line: SendsLine & Place): void {
    const before = this.sends.get(line.process);
    if (before) before.push(line);
    else this.sends.set(line.process, [line]);
  }

  valueNumber(text: string): number {
    const value = this.values.number(text);
    if (value === this.appendOf.length) {
      this.appendOf.push(NONE);
      this.ledger.newValue();
    }
    return value;
  }

  appendEvidence(at: number): Evidence {
    return { ...this.#where(this.appends, at), text: describeAppend(this, at) };
  }

  readEvidence(at: number): Evidence {
    return { ...this.#where(this.reads, at), text: describeRead(this, at) };
  }

  placeEvidence({ file, line }: Place, text: string): Evidence {
    return { file: this.files[file] ?? '', line, text };
  }

  #where({ file, line }: { file: Numbers; line: Numbers }, at: number): { file: string; line: number } {
    return { file: this.files[file.at(at)] ?? '', line: line.at(at) };
  }

  #cover(process: number, from: number, next: number, read: number): void {
    const cover = this.covers.get(process);
    if (!cover) this.covers.set(process, { from, next, brokenBy: null });
    else {
      if (cover.next !== from) cover.brokenBy ??= read;
      cover.next = Math.max(cover.next, next);
    }
  }
}
