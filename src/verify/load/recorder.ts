// Writes a history line by line as calls end, at once: a recorder that is killed loses what is under way and nothing else. It
// counts too, and keeps the longest time between two acknowledgements of each process.
import { closeSync, openSync, writeSync } from 'node:fs';
import type { AppendCall, CallOutcome, Gap, HistoryLine, ReadCall, SummaryLine } from '../history.ts';

/** Takes whole lines. Throws when they cannot be written. */
export interface Sink {
  write(text: string): void;
  close(): void;
}

/** Overwrites the file. Written synchronously: what `write` has taken survives the end of the process. */
export function fileSink(path: string): Sink {
  const file = openSync(path, 'w');
  return {
    write: (text) => {
      const bytes = Buffer.from(text);
      for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from);
    },
    close: () => closeSync(file),
  };
}

interface Acks {
  lastMs: number;
  longest: Gap;
}

export class Recorder {
  readonly #sink: Sink;
  readonly #appends: Record<CallOutcome, number> = { ok: 0, refused: 0, unknown: 0 };
  readonly #reads: Record<CallOutcome, number> = { ok: 0, refused: 0, unknown: 0 };
  readonly #acks = new Map<string, Acks>();

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Writes a line about no call. */
  line(line: HistoryLine): void {
    this.#sink.write(`${JSON.stringify(line)}\n`);
  }

  append(call: Omit<AppendCall, 'type'>): void {
    this.line({ type: 'append', ...call });
    this.#appends[call.outcome] += 1;
    if (call.outcome === 'ok' && call.end !== null) this.#gapUntil(call.process, call.end);
  }

  read(call: Omit<ReadCall, 'type'>): void {
    this.line({ type: 'read', ...call });
    this.#reads[call.outcome] += 1;
  }

  /** Time without an acknowledgement counts from now on. */
  begins(process: string, now: number): void {
    this.#acks.set(process, { lastMs: now, longest: { process, from: now, to: now, ms: 0 } });
  }

  /** Time without an acknowledgement counts no more. */
  ends(process: string, now: number): void {
    this.#gapUntil(process, now);
  }

  summary(start: number, end: number): SummaryLine {
    const gaps = [...this.#acks.values()].map(({ longest }) => longest);
    return { type: 'summary', start, end, appends: this.#appends, reads: this.#reads, gaps };
  }

  #gapUntil(process: string, now: number): void {
    const acks = this.#acks.get(process);
    if (!acks) return;
    // Acknowledgements of one batch come in any order within a moment.
    const ms = now - acks.lastMs;
    if (ms > acks.longest.ms) acks.longest = { process, from: acks.lastMs, to: now, ms };
    acks.lastMs = Math.max(acks.lastMs, now);
  }
}
