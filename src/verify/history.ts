// The format of a history: what clients of a log asked, when, and what came of it, as JSON lines (docs/reference/verify.md).
// A line is written when its call is over, so that a recorder needs no memory; what a recorder that was killed had under way is
// covered by the `sends` lines, which it writes before it sends.
//
// Times are milliseconds since 1970 with fractions, `performance.timeOrigin + performance.now()`: they never go back within a
// process, and are comparable over the processes of one machine. Histories of several machines need a bound of the difference
// of their clocks, `--clock-skew-ms`.

export const HISTORY_VERSION = 1;

/** Now, on the clock of histories. */
export const historyNow = (): number => performance.timeOrigin + performance.now();

/**
 * What became of a call. An append: `refused` was not stored and never will be; `unknown` may be stored now, later or never.
 * A read: `refused` was answered with an error, `unknown` not or not wholly answered; what it got counts all the same.
 */
export type CallOutcome = 'ok' | 'refused' | 'unknown';

/** The first line of a file. */
export interface HistoryHeader {
  readonly type: 'history';
  readonly version: typeof HISTORY_VERSION;
  /** Name of this recording; its processes are `<name>/<role>-<number>`. */
  readonly name: string;
  readonly started: number;
  /** Records below this offset were there before; null when that is not known (then none were). */
  readonly base: number | null;
  /** How it was recorded, for people. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** From now on this process may send the values `<process>:<from>` up to `<process>:<to>`, both included. */
export interface SendsLine {
  readonly type: 'sends';
  readonly process: string;
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

export interface AppendCall {
  readonly type: 'append';
  readonly process: string;
  /** Number of the call within its process, in the order in which calls began. */
  readonly call: number;
  readonly start: number;
  /** Null when it was never completed; its outcome is `unknown` then. */
  readonly end: number | null;
  readonly outcome: CallOutcome;
  /** Each sent once in its life, by this call alone. */
  readonly values: readonly string[];
  /** Of the first record, as acknowledged; the others follow. These three stand where the outcome is `ok`. */
  readonly offset?: number;
  readonly count?: number;
  readonly epoch?: number;
  /** Id of an exactly-once producer: what one of these sends is stored in the order of its calls. */
  readonly producer?: string;
  readonly producerEpoch?: number;
  readonly sequence?: number;
  /** The error's, where there was one. */
  readonly code?: string;
  readonly attempts?: number;
}

/** Offset, value (text; what is not UTF-8 as `base64:…`), epoch, and the leader's timestamp where it was recorded. */
export type ReadRow =
  | readonly [offset: number, value: string, epoch: number]
  | readonly [offset: number, value: string, epoch: number, timestampMs: number];

export interface ReadCall {
  readonly type: 'read';
  readonly process: string;
  readonly call: number;
  readonly start: number;
  readonly end: number | null;
  readonly outcome: CallOutcome;
  /** Base URL that was asked. A `local` read is that logger's own view; a `linearizable` one may have been sent on. */
  readonly logger: string;
  readonly consistency: 'local' | 'linearizable';
  readonly offset: number | 'earliest' | 'latest';
  readonly records: readonly ReadRow[];
  /** As the answer told it, an error's too; null when there was none. */
  readonly commit: number | null;
  /** First offset kept, where an error told it. */
  readonly first?: number;
  readonly code?: string;
}

/** Closes a read of one logger's whole log: the reads of `process` together, from `from` to `to`. */
export interface FinalRead {
  readonly type: 'final';
  readonly process: string;
  readonly logger: string;
  /** When the first of its reads began, and the last one ended. */
  readonly start: number;
  readonly end: number;
  /** First offset that was read: the base, or the first one kept. */
  readonly from: number;
  /** Offset after the last record read. */
  readonly to: number;
  /** Whether it went up to all that was committed when it began. */
  readonly complete: boolean;
  readonly reason?: string;
}

/** Something that happened beside the calls, such as a fault and its end. */
export interface EventLine {
  readonly type: 'event';
  readonly time: number;
  readonly text: string;
  /** Base URLs of loggers that lost their disk here: what they told before may go back, once. */
  readonly forgets?: readonly string[];
}

/** The longest time between two successive acknowledgements of one process. */
export interface Gap {
  readonly process: string;
  readonly from: number;
  readonly to: number;
  readonly ms: number;
}

/** The last line: what was done, for people and for those who want the gaps. Nothing is checked by it. */
export interface SummaryLine {
  readonly type: 'summary';
  readonly start: number;
  readonly end: number;
  readonly appends: Readonly<Record<CallOutcome, number>>;
  readonly reads: Readonly<Record<CallOutcome, number>>;
  /** One for each process that appends; the time from its start to its first acknowledgement counts too. */
  readonly gaps: readonly Gap[];
}

export type HistoryLine =
  | HistoryHeader
  | SendsLine
  | AppendCall
  | ReadCall
  | FinalRead
  | EventLine
  | SummaryLine;
