// What the producer says about itself: its log lines, at a bounded rate, its metrics, and whether it gets anywhere.
import type { Logger as PinoLogger } from 'pino';
import type { Acknowledgement, ClientError, Retry } from '../client/index.ts';
import type { ProducerMetrics } from './metrics.ts';
import type { Numbering } from './numbering.ts';
import type { SeriesReport } from './series.ts';

/** Up to this rate every message has a line of its own; above it there is one line a second. */
const MAX_LINES_PER_SECOND = 20;
const LINE_EVERY_MS = 1000;
/** Without an acknowledgement for this long the producer is not ready. */
const STUCK_MS = 10_000;

/** Acknowledged numbers that no line has told yet. */
interface Held {
  readonly first: number;
  readonly offset: number;
  readonly count: number;
}

interface ReportParts {
  readonly out: PinoLogger;
  readonly metrics: ProducerMetrics;
  readonly numbering: Numbering;
  readonly rate: number;
  readonly now?: () => number;
}

export class Report implements SeriesReport {
  readonly #parts: ReportParts;
  readonly #now: () => number;
  readonly #eachLine: boolean;
  /** Since when nothing was acknowledged though something should be; from the start on. */
  #waitingSinceMs: number | null;
  #sendingSinceMs: number | null = null;
  #held: Held | null = null;
  #lineMs = Number.NEGATIVE_INFINITY;
  #trouble = { held: 0, lineMs: Number.NEGATIVE_INFINITY };

  constructor(parts: ReportParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    this.#eachLine = parts.rate > 0 && parts.rate <= MAX_LINES_PER_SECOND;
    this.#waitingSinceMs = this.#now();
  }

  /** Null when all is well. */
  get stuck(): string | null {
    const forMs = this.#waitingSinceMs === null ? 0 : this.#now() - this.#waitingSinceMs;
    return forMs < STUCK_MS ? null : `no message was acknowledged for ${Math.floor(forMs / 1000)} s`;
  }

  sending(_first: number, count: number): void {
    this.#parts.metrics.unacknowledged.set(count);
    this.#sendingSinceMs ??= this.#now();
    this.#waitingSinceMs ??= this.#now();
  }

  acknowledged(first: number, { offset, count, attempts }: Acknowledgement): void {
    const { metrics } = this.#parts;
    const ms = this.#now() - (this.#sendingSinceMs ?? this.#now());
    this.#sendingSinceMs = null;
    this.#waitingSinceMs = null;
    metrics.acknowledged.inc(count);
    metrics.unacknowledged.set(0);
    metrics.acknowledgementDuration.observe(ms / 1000);
    metrics.lastNumber.set(first + count - 1);
    this.#say({ first, offset, count }, { attempts, ms: Math.round(ms * 10) / 10 });
  }

  retry({ reason, detail, url, attempt }: Retry): void {
    this.#parts.metrics.retries.labels(reason).inc();
    this.#warn(`Trying again: ${detail}`, { reason, url, attempt });
  }

  resumed(next: number, lastOffset: number | null): void {
    const { out, numbering } = this.#parts;
    const where =
      lastOffset === null ? 'the log holds no message of this producer' : `last at offset ${lastOffset}`;
    out.info({ next, lastOffset }, `Going on with ${numbering.textOf(next)}: ${where}`);
  }

  failed({ code, message }: ClientError): void {
    this.#parts.metrics.failures.labels(code).inc();
    this.trouble(`${code}: ${message}`);
  }

  trouble(detail: string): void {
    this.#warn(`Trouble: ${detail}`, {});
  }

  /** The last line of the numbers that were held back, if any were. */
  end(): void {
    if (this.#held) this.#line(this.#held, {});
  }

  /** Numbers without a line of their own are gathered until the next one. */
  #say(more: Held, facts: object): void {
    this.#held = this.#held ? { ...this.#held, count: this.#held.count + more.count } : more;
    if (this.#eachLine || this.#now() - this.#lineMs >= LINE_EVERY_MS) this.#line(this.#held, facts);
  }

  #line({ first, offset, count }: Held, facts: object): void {
    const { out, numbering } = this.#parts;
    const from = numbering.textOf(first);
    const text = count === 1 ? from : `${from} to ${numbering.textOf(first + count - 1)}`;
    out.info({ offset, count, ...facts }, `Sent ${text}`);
    this.#held = null;
    this.#lineMs = this.#now();
  }

  #warn(text: string, facts: object): void {
    const now = this.#now();
    if (now - this.#trouble.lineMs < LINE_EVERY_MS) {
      this.#trouble.held += 1;
      return;
    }
    this.#parts.out.warn({ ...facts, ...(this.#trouble.held > 0 && { held: this.#trouble.held }) }, text);
    this.#trouble = { held: 0, lineMs: now };
  }
}
