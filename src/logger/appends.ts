// The way of an append through the leader: admitted within bounds, encoded once as a batch, proposed, awaited with a
// deadline. The records' time is set here and never goes back, whatever clocks do.
import type { AppendRefusal, AppendResult, OfferedBatch } from '../api/index.ts';
import { LoggerError } from '../errors.ts';
import { encodeBatch, type Log, type ProducerStamp, type RecordInput, stampTime } from '../log/index.ts';
import type { ReplicatedLog } from './replicated-log.ts';

export interface AppendLimits {
  readonly maxPendingBytes: number;
  readonly maxPendingRequests: number;
  readonly appendTimeoutMs: number;
}

export class Appends {
  readonly #log: Log;
  readonly #replicated: ReplicatedLog;
  readonly #limits: AppendLimits;
  readonly #onAppended: (records: number, bytes: number) => void;
  #pendingRequests = 0;
  #pendingBytes = 0;
  #lastTimestampMs = 0;

  constructor(
    log: Log,
    replicated: ReplicatedLog,
    limits: AppendLimits,
    onAppended: (records: number, bytes: number) => void,
  ) {
    this.#log = log;
    this.#replicated = replicated;
    this.#limits = limits;
    this.#onAppended = onAppended;
  }

  get pending(): { requests: number; bytes: number } {
    return { requests: this.#pendingRequests, bytes: this.#pendingBytes };
  }

  append(records: readonly RecordInput[], producer: ProducerStamp | null): Promise<AppendResult> {
    this.#admit();
    const batch = encodeBatch(records, { timestampMs: this.#time(), producer });
    return this.#propose(batch, records.length, producer);
  }

  /** As `append`, of records that a client has encoded; only the time is set here. */
  appendBatch({ bytes, count, producer }: OfferedBatch): Promise<AppendResult> {
    this.#admit();
    stampTime(bytes, this.#time());
    return this.#propose(bytes, count, producer);
  }

  #time(): number {
    const nowMs = this.#replicated.time.now();
    this.#lastTimestampMs = Math.max(nowMs, this.#log.lastTimestampMs, this.#lastTimestampMs);
    return this.#lastTimestampMs;
  }

  async #propose(batch: Buffer, count: number, producer: ProducerStamp | null): Promise<AppendResult> {
    this.#pendingRequests += 1;
    this.#pendingBytes += batch.length;
    const settled = this.#replicated.propose(batch, count, producer).finally(() => {
      this.#pendingRequests -= 1;
      this.#pendingBytes -= batch.length;
    });
    const result = await withinDeadline(settled, this.#limits.appendTimeoutMs);
    this.#onAppended(count, batch.length);
    return result;
  }

  /** Why one more would be refused now; null where it would not. */
  get refusal(): AppendRefusal | null {
    if (this.#pendingRequests >= this.#limits.maxPendingRequests) return 'too-many-requests';
    return this.#pendingBytes >= this.#limits.maxPendingBytes ? 'overloaded' : null;
  }

  /** Refuses before anything is copied when too much waits already. */
  #admit(): void {
    const code = this.refusal;
    if (code === null) return;
    const waiting =
      code === 'overloaded' ? `${this.#pendingBytes} bytes wait` : `${this.#pendingRequests} appends wait`;
    throw new LoggerError(code, `${waiting} already`);
  }
}

/** The append goes on behind an expired deadline: it may yet be committed, so its outcome is unknown, not refused. */
function withinDeadline(settled: Promise<AppendResult>, timeoutMs: number): Promise<AppendResult> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new LoggerError('outcome-unknown', `not committed within ${timeoutMs} ms`)),
      timeoutMs,
    );
    settled.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
