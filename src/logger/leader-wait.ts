// During a takeover there is no leader for some tens of milliseconds. Appends that come just then wait here for the new one
// instead of being refused and tried again, and so does whoever asks who leads: within a bound in time and in number, beyond
// which they are told to come back.
import type { ReplicatedLog, Role } from './replicated-log.ts';

export const LEADER_WAIT_MS = 1000;

interface Waiting {
  readonly above: number;
  readonly wake: () => void;
}

export class LeaderWait {
  readonly #maxWaiting: number;
  readonly #waiting = new Set<Waiting>();
  /** Of the established leader, this logger perhaps; -1 while none is known. */
  #epoch = -1;

  constructor(replicated: Pick<ReplicatedLog, 'onRole'>, maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
    replicated.onRole((role: Role) => {
      this.#epoch = role.kind === 'leader' || role.leader !== null ? role.epoch : -1;
      for (const { above, wake } of this.#waiting) if (this.#epoch > above) wake();
    });
  }

  /** Resolves once an established leader is known, this logger perhaps; at the latest after LEADER_WAIT_MS. */
  async leaderKnown(): Promise<void> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), LEADER_WAIT_MS);
    await this.leaderAbove(-1, over.signal);
    clearTimeout(timer);
  }

  /** Resolves once an established leader of a higher epoch is known, when `signal` aborts, or at once when too many wait. */
  async leaderAbove(epoch: number, signal: AbortSignal): Promise<void> {
    if (this.#epoch > epoch || signal.aborted || this.#waiting.size >= this.#maxWaiting) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(one);
        resolve();
      };
      const one = { above: epoch, wake };
      signal.addEventListener('abort', wake, { once: true });
      this.#waiting.add(one);
    });
  }
}
