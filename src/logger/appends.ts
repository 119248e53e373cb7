// The way of an append through the leader: admitted within bounds, encoded once as a batch, proposed, awaited with a
// deadline. Time comes from the leader here and never goes back, whatever the machine's clock does.
import type { AppendRefusal, AppendResult, OfferedBatch } from '../api/index.ts';
import { FULL_RETRY_AFTER_SECONDS, LoggerError } from '../errors.ts';
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
  readonly #now: () => number;
  readonly #onAppended: (records: number, bytes: number) => void;
  #pendingRequests = 0;
  #pendingBytes = 0;
  #lastTimestampMs = 0;

  constructor(
    log: Log,
    replicated: ReplicatedLog,
    limits: AppendLimits,
    onAppended: (records: number, bytes: number) => void,
    now: () => number = Date.now,
  ) {
    this.#log = log;
    this.#replicated = replicated;
    this.#limits = limits;
    this.#onAppended = onAppended;
    this.#now = now;
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
    this.#lastTimestampMs = Math.max(this.#now(), this.#log.lastTimestampMs, this.#lastTimestampMs);
    return this.#lastTimestampMs;
  }

  /** The append goes on behind an expired deadline: it may yet be committed, so its outcome is unknown, not refused. */
  #propose(batch: Buffer, count: number, producer: ProducerStamp | null): Promise<AppendResult> {
    this.#pendingRequests += 1;
    this.#pendingBytes += batch.length;
    return new Promise((resolve, reject) => {
      let expired = false;
      const { appendTimeoutMs } = this.#limits;
      const timer = setTimeout(() => {
        expired = true;
        reject(new LoggerError('outcome-unknown', `not committed within ${appendTimeoutMs} ms`));
      }, appendTimeoutMs);
      const end = (): void => {
        clearTimeout(timer);
        this.#pendingRequests -= 1;
        this.#pendingBytes -= batch.length;
      };
      this.#replicated.propose(batch, count, producer).then(
        (result) => {
          end();
          if (!expired) this.#onAppended(count, batch.length);
          resolve(result);
        },
        (error: unknown) => {
          end();
          reject(error);
        },
      );
    });
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
    throw new LoggerError(code, `${waiting} already`, { retryAfterSeconds: FULL_RETRY_AFTER_SECONDS });
  }
}
