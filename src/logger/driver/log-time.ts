// The time that a leader stamps records with, and by which it judges their age. No single clock moves it. It runs with this process's
// monotonic clock from a time that a majority of the members agreed on, and is corrected by what their clocks say now:
//   - `reachedMs`: a majority of the members' clocks say that it is at least this late. Log time catches up with it, at a bounded
//     rate: clocks that leap together, by a bad time server, then leave people hours to notice.
//   - `notPassedMs`: a majority say that it is at most this late. Log time is never ahead of it.
// A logger that was not heard lately counts for neither. Only what is new is bounded here: the time of the log itself never goes back.

export interface LogTimeOptions {
  /** Uid of this logger. */
  readonly self: string;
  /** Uids of the members. */
  readonly members: () => readonly string[];
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** The time of day by this machine's clock, in milliseconds since 1970: it may be wrong, and jump. */
  readonly wall: () => number;
  /** Timestamp of the last record: it was agreed on before. */
  readonly lastTimestampMs: () => number;
  /** One line for people: rare. */
  readonly note: (text: string) => void;
}

/** What was heard of a logger's clock counts for so long; its clock is read about twice a second. */
export const CLOCK_STALE_MS = 10_000;
/** Log time gains at most this much on the monotonic clock, for each millisecond of that: an hour a minute. */
export const CATCH_UP_RATE = 60;
/** People are told of a clock that is wrong by more. */
export const CLOCK_WRONG_MS = 10_000;
/** In between log time runs with the monotonic clock: an append costs no look at all clocks. */
const AGREE_EVERY_MS = 10;

interface Agreed {
  readonly timeMs: number;
  /** By the monotonic clock. */
  readonly atMs: number;
}

export class LogTime {
  readonly #options: LogTimeOptions;
  /** Of other loggers: how far each clock is ahead of our monotonic one, and when it was read by that. */
  readonly #clocks = new Map<string, { readonly aheadMs: number; readonly readMs: number }>();
  /** Null until a majority's clocks were heard. */
  #agreed: Agreed | null = null;
  #isWrong = false;

  constructor(options: LogTimeOptions) {
    this.#options = options;
  }

  /** The clock of another logger said `wallMs`, `agoMs` before now at the latest: it cannot be taken for later than it is. */
  heard(uid: string, wallMs: number, agoMs: number): void {
    const nowMs = this.#options.now();
    for (const [other, { readMs }] of this.#clocks)
      if (nowMs - readMs > CLOCK_STALE_MS) this.#clocks.delete(other);
    this.#clocks.set(uid, { aheadMs: wallMs - (nowMs - agoMs), readMs: nowMs - agoMs });
    this.#agree(nowMs);
    this.#tellWrong();
  }

  /** For a record that is appended now. It may be behind the log's last timestamp, which then is repeated. */
  now(): number {
    const nowMs = this.#options.now();
    if (this.#agreed === null || nowMs - this.#agreed.atMs >= AGREE_EVERY_MS) this.#agree(nowMs);
    // Without a majority's clocks ever: the other members are of a version that does not tell theirs.
    if (this.#agreed === null) return Math.floor(this.#options.wall());
    return Math.floor(this.#agreed.timeMs + nowMs - this.#agreed.atMs);
  }

  /** So late it is for certain: by the clocks of a majority, heard lately, and by log time. -Infinity where none was heard. */
  certainMs(): number {
    const { reachedMs } = this.#agree(this.#options.now());
    return Math.min(reachedMs, this.#agreed?.timeMs ?? reachedMs);
  }

  /** How far this machine's clock is ahead of what was agreed on; null while nothing was. */
  get clockAheadMs(): number | null {
    return this.#agreed === null ? null : this.#options.wall() - this.now();
  }

  /** How far the log's last timestamp is ahead: for so long every record gets that one. */
  get logAheadMs(): number {
    return Math.max(0, this.#options.lastTimestampMs() - this.now());
  }

  #agree(nowMs: number): { reachedMs: number; notPassedMs: number } {
    const bounds = this.#bounds(nowMs);
    const { reachedMs, notPassedMs } = bounds;
    const hasMajority = reachedMs > Number.NEGATIVE_INFINITY;
    const lastMs = this.#options.lastTimestampMs();
    if (this.#agreed === null) {
      if (hasMajority)
        this.#agreed = { timeMs: Math.min(Math.max(lastMs, reachedMs), notPassedMs), atMs: nowMs };
      return bounds;
    }
    const elapsedMs = nowMs - this.#agreed.atMs;
    // What was long not looked at is no licence to leap.
    const gainMs = CATCH_UP_RATE * Math.min(elapsedMs, CLOCK_STALE_MS);
    const expectedMs = Math.max(this.#agreed.timeMs + elapsedMs, lastMs);
    const timeMs = Math.min(Math.max(expectedMs, Math.min(reachedMs, expectedMs + gainMs)), notPassedMs);
    this.#agreed = { timeMs, atMs: nowMs };
    return bounds;
  }

  #bounds(nowMs: number): { reachedMs: number; notPassedMs: number } {
    const { self, members, wall } = this.#options;
    const uids = members();
    const clocks: number[] = [];
    for (const uid of uids) {
      const clock = this.#clocks.get(uid);
      if (uid === self) clocks.push(wall());
      else if (clock && nowMs - clock.readMs <= CLOCK_STALE_MS) clocks.push(nowMs + clock.aheadMs);
    }
    clocks.sort((a, b) => a - b);
    const majority = Math.floor(uids.length / 2) + 1;
    return {
      reachedMs: clocks.at(-majority) ?? Number.NEGATIVE_INFINITY,
      notPassedMs: clocks[majority - 1] ?? Number.POSITIVE_INFINITY,
    };
  }

  #tellWrong(): void {
    const aheadMs = this.clockAheadMs ?? 0;
    const isWrong = Math.abs(aheadMs) > CLOCK_WRONG_MS;
    if (isWrong === this.#isWrong) return;
    this.#isWrong = isWrong;
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    this.#options.note(
      isWrong
        ? `This machine's clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the time that the members agree on`
        : "This machine's clock agrees with the members' again",
    );
  }
}
