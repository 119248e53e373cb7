// The way of an append through the leader: judged against the producer table (rule 9), stamped, appended, awaited. While a
// transfer is under way appends wait: they end refused when another leads, so that clients go there, or go on here.
import type { AppendResult } from '../../api/types.ts';
import { type ErrorCode, LoggerError } from '../../errors.ts';
import { contentCrc, SEQUENCE_MODULUS, stampBatch } from '../../log/index.ts';
import type { Log, ProducerStamp } from '../../log/types.ts';
import { HELD_MAX } from './outside.ts';
import { Pending } from './pending.ts';

interface Held {
  readonly run: () => void;
  readonly reject: (error: LoggerError) => void;
}

export class Proposals {
  readonly #log: Log;
  readonly #appended: (end: number) => void;
  readonly #pending = new Pending();
  #held: Held[] = [];
  #holding = false;
  /** Null while this logger does not lead. */
  #epoch: number | null = null;
  #commit = 0;

  constructor(log: Log, appended: (end: number) => void) {
    this.#log = log;
    this.#appended = appended;
  }

  leading(epoch: number, commit: number): void {
    this.#epoch = epoch;
    this.#commit = commit;
  }

  committed(commit: number): void {
    this.#commit = commit;
    this.#pending.committed(commit);
  }

  /** Leadership ended: what was appended is in doubt, what was only held was never stored. */
  lost(): void {
    this.#epoch = null;
    this.#holding = false;
    this.#pending.unknown();
    const held = this.#held;
    this.#held = [];
    for (const { reject } of held) reject(notLeading());
  }

  /** Only a leader may release: once a leadership has ended, what waits must not reach the log, but end in `lost`. */
  hold(holding: boolean): void {
    this.#holding = holding;
    if (holding || this.#epoch === null) return;
    const held = this.#held;
    this.#held = [];
    for (const { run } of held) run();
  }

  propose(batch: Buffer, count: number, producer: ProducerStamp | null): Promise<AppendResult> {
    if (this.#epoch === null) return Promise.reject(notLeading());
    if (!this.#holding) return this.#append(batch, count, producer, this.#epoch);
    if (this.#held.length >= HELD_MAX) return Promise.reject(new LoggerError('overloaded'));
    return new Promise((resolve, reject) => {
      const run = (): void => resolve(this.propose(batch, count, producer));
      this.#held.push({ run, reject });
    });
  }

  async #append(
    batch: Buffer,
    count: number,
    producer: ProducerStamp | null,
    epoch: number,
  ): Promise<AppendResult> {
    if (producer) {
      const verdict = this.#log.judge(producer, count, contentCrc(batch));
      if (verdict.kind === 'refused') throw this.#refusal(verdict.code, producer);
      if (verdict.kind === 'repeat') {
        const { kind: _, ...result } = verdict;
        if (result.offset + result.count <= this.#commit) return result;
        return this.#pending.wait(result, true);
      }
    }
    const offset = this.#log.end;
    stampBatch(batch, offset, epoch);
    this.#log.append([batch]);
    const settled = this.#pending.wait({ offset, count, epoch }, false);
    this.#appended(this.#log.end);
    return settled;
  }

  #refusal(code: ErrorCode, { id, epoch, sequence }: ProducerStamp): LoggerError {
    const known = this.#log.producer(id);
    if (code === 'producer-moved')
      return new LoggerError(code, known ? undefined : 'nothing is known of this producer any more', {
        extra: known
          ? { knownEpoch: known.epoch, lastSequence: known.lastSequence, lastOffset: known.lastOffset }
          : {},
      });
    if (code !== 'sequence-gap') return new LoggerError(code);
    // A new epoch begins anew.
    const expected = known?.epoch === epoch ? (known.lastSequence + 1) % SEQUENCE_MODULUS : 0;
    return new LoggerError(code, `sequence ${expected} of epoch ${epoch} is expected, not ${sequence}`, {
      extra: { expectedSequence: expected },
    });
  }
}

const notLeading = (): LoggerError => new LoggerError('not-leader');
