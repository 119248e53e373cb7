// How long each step of an election took, told when it is won: where a takeover's time went is else not to be seen from outside.
import type { Effect, Event, State } from '../../replica/index.ts';

/** In milliseconds, one after the other. */
export interface ElectionSteps {
  readonly epoch: number;
  /** From the loss of the leader, or from being named by it, until the register was first written to: the pre-vote. */
  readonly voteMs: number;
  /** Until Consul had answered: with all that was written again or read because the outcome was unknown. */
  readonly registerMs: number;
  /** Until this logger led: promises, adoption, the start of the epoch. */
  readonly promiseMs: number;
}

type Watched = Pick<State, 'lostSinceMs' | 'campaigning'>;

export class ElectionWatch {
  readonly #state: Readonly<Watched>;
  readonly #now: () => number;
  readonly #onElected: (steps: ElectionSteps) => void;
  /** Of the candidacy that is measured. */
  #attempt = 0;
  #beganMs = 0;
  #askedMs = 0;
  #answeredMs = 0;

  constructor(state: Readonly<Watched>, now: () => number, onElected: (steps: ElectionSteps) => void) {
    this.#state = state;
    this.#now = now;
    this.#onElected = onElected;
  }

  /** Before the core is told of it. */
  event(event: Event): void {
    if (!this.#state.campaigning) return;
    const answers = event.type === 'register-written' || (event.type === 'register' && event.token !== null);
    if (answers || (this.#unanswered && tellsOfRegister(event))) this.#answeredMs = this.#now();
  }

  get #unanswered(): boolean {
    return this.#answeredMs < this.#askedMs;
  }

  effect(effect: Effect): void {
    if (effect.type === 'take-register') this.#asked();
    else if (effect.type === 'role' && effect.role.kind === 'leading')
      this.#onElected({
        epoch: effect.role.epoch,
        voteMs: this.#askedMs - this.#beganMs,
        registerMs: this.#answeredMs - this.#askedMs,
        promiseMs: this.#now() - this.#answeredMs,
      });
  }

  #asked(): void {
    const { lostSinceMs, campaigning } = this.#state;
    if (!campaigning || campaigning.attempt === this.#attempt) return;
    const now = this.#now();
    this.#attempt = campaigning.attempt;
    this.#beganMs = Math.min(lostSinceMs ?? now, campaigning.startedMs);
    this.#askedMs = now;
  }
}

/** In a handover the former leader may have read sooner in the register who won. */
const tellsOfRegister = (event: Event): boolean =>
  event.type === 'message' && event.message.type === 'drained' && event.message.seen !== undefined;
