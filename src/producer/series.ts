// The series of numbers: 1, 2, 3, … each acknowledged before the next is sent, so that none is skipped and none comes twice.
// Where the loggers and the producer disagree about its sequences, or after a restart, the log says which number was last.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Acknowledgement,
  ClientError,
  endsProducerEpoch,
  type Producer,
  type ReadRecord,
} from '../client/index.ts';
import { messageOf } from '../errors.ts';
import type { Numbering } from './numbering.ts';
import type { Pace } from './pace.ts';

export interface SeriesParts {
  readonly producer: Pick<Producer, 'send' | 'resume'> & {
    readonly client: Pick<Producer['client'], 'read'>;
  };
  readonly numbering: Numbering;
  readonly pace: Pick<Pace, 'due'>;
  /** The producer id was kept: the log may hold numbers of an earlier run. */
  readonly keptId: boolean;
  /** Wait after a failure that will not be repeated by the client itself. */
  readonly retryMaxMs: number;
  readonly report: SeriesReport;
}

export interface SeriesReport {
  /** These numbers are being sent. */
  sending(first: number, count: number): void;
  acknowledged(first: number, acknowledgement: Acknowledgement): void;
  /** The numbers go on at `next`, since the log holds `last` at `lastOffset`, or nothing of this producer. */
  resumed(next: number, lastOffset: number | null): void;
  /** A send, or finding out where to go on, has failed for good; it is begun anew. */
  failed(error: ClientError): void;
  trouble(detail: string): void;
}

export class Series {
  readonly #parts: SeriesParts;
  #lastAcknowledged = 0;

  constructor(parts: SeriesParts) {
    this.#parts = parts;
  }

  /**
   * Sends until `ending` aborts; the messages in flight are settled first, unless `giveUp` aborts too. Rejects with
   * ClientError when another producer took over this id (producer-fenced), or the id is used up (epoch-exhausted).
   */
  async run(ending: AbortSignal, giveUp: AbortSignal): Promise<void> {
    let next = this.#parts.keptId ? null : 1;
    while (!ending.aborted) {
      try {
        next ??= await this.#resume(ending);
        const count = await this.#parts.pace.due(ending);
        await this.#send(next, count, giveUp);
        next += count;
      } catch (error) {
        if (ending.aborted) return;
        const knowsNext = await this.#afterFailure(error, ending);
        if (!knowsNext) next = null;
      }
    }
  }

  async #send(first: number, count: number, signal: AbortSignal): Promise<void> {
    const { producer, numbering, report } = this.#parts;
    report.sending(first, count);
    const texts = Array.from({ length: count }, (_, at) => numbering.textOf(first + at));
    const acknowledgement = await producer.send(texts, { signal });
    this.#lastAcknowledged = first + count - 1;
    report.acknowledged(first, acknowledgement);
  }

  /** Rethrows what ends the series. Otherwise tells whether the same numbers may be sent as they are. */
  async #afterFailure(error: unknown, ending: AbortSignal): Promise<boolean> {
    if (!(error instanceof ClientError)) throw error;
    if (error.code === 'producer-fenced' || error.code === 'epoch-exhausted') throw error;
    this.#parts.report.failed(error);
    if (endsProducerEpoch(error.code)) return false;
    await sleep(this.#parts.retryMaxMs, undefined, { signal: ending }).catch(() => undefined); // the loop looks
    return error.outcome === 'refused';
  }

  /** Begins a new epoch, which settles what was in flight, and finds the number that comes next. */
  async #resume(signal: AbortSignal): Promise<number> {
    const { producer, report } = this.#parts;
    const known = await producer.resume({ signal });
    const inLog = known === null ? 0 : await this.#numberAt(known.lastOffset, signal);
    // A logger that does not know this producer says nothing about what another one has acknowledged.
    const next = Math.max(this.#lastAcknowledged, inLog) + 1;
    report.resumed(next, known?.lastOffset ?? null);
    return next;
  }

  /** 0 when the record is gone, or is none of this series. */
  async #numberAt(offset: number, signal: AbortSignal): Promise<number> {
    const { producer, numbering, report } = this.#parts;
    let record: ReadRecord | undefined;
    try {
      // At the leader, which has committed it: another logger may not have it yet.
      ({
        records: [record],
      } = await producer.client.read({ offset, limit: 1, linearizable: true, signal }));
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'offset-gone') throw error;
      report.trouble(`the last message is no longer in the log: ${messageOf(error)}`);
      return 0;
    }
    const number = typeof record?.value === 'string' ? numbering.numberIn(record.value) : null;
    if (number === null) report.trouble(`the record at offset ${offset} is no message of this series`);
    return number ?? 0;
  }
}
