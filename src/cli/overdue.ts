// When the oldest of many records has waited too long for its acknowledgement. A timer for each record would cost more than
// the record; since they are acknowledged in the order sent, two counters and a mark now and then are enough.

/** So late may an overdue record be noticed, as a part of the time that it has. */
const LATE_PART = 1 / 20;

export class Overdue {
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** How many had been sent at what time; at most 1 / LATE_PART of them, and a few. */
  readonly #marks: { readonly atMs: number; readonly sent: number }[] = [];
  #sent = 0;
  #settled = 0;

  /** `onOverdue` is called, once, when one has waited for `timeoutMs`. */
  constructor(timeoutMs: number, onOverdue: () => void, now: () => number = () => performance.now()) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
    this.#timer = setInterval(
      () => {
        if (!this.check()) return;
        this.end();
        onOverdue();
      },
      Math.max(1, timeoutMs * LATE_PART),
    );
  }

  sent(): void {
    this.#sent += 1;
  }

  settled(): void {
    this.#settled += 1;
  }

  /** Whether one is overdue now; sets the next mark. */
  check(): boolean {
    const nowMs = this.#now();
    this.#marks.push({ atMs: nowMs, sent: this.#sent });
    let isOverdue = false;
    while ((this.#marks[0]?.atMs ?? nowMs) <= nowMs - this.#timeoutMs) {
      const { sent } = this.#marks.shift() as { sent: number };
      isOverdue ||= this.#settled < sent;
    }
    return isOverdue;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
