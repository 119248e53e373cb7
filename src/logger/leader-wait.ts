// During a takeover there is no leader for some tens of milliseconds. Appends that come just then wait here for the new one
// instead of being refused and tried again: within a bound in time and in number, beyond which they are told to come back.
import type { ReplicatedLog, Role } from './replicated-log.ts';

export const LEADER_WAIT_MS = 1000;

export class LeaderWait {
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #known = false;

  constructor(replicated: Pick<ReplicatedLog, 'onRole'>, maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
    replicated.onRole((role: Role) => {
      this.#known = role.kind === 'leader' || role.leader !== null;
      if (this.#known) for (const wake of this.#waiting) wake();
    });
  }

  /** Resolves once an established leader is known, this logger perhaps; at the latest after LEADER_WAIT_MS. */
  async leaderKnown(): Promise<void> {
    if (this.#known || this.#waiting.size >= this.#maxWaiting) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, LEADER_WAIT_MS);
      this.#waiting.add(wake);
    });
  }
}
