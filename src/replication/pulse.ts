// When the heartbeat thread takes its turns, in which it sends. A leader does by its own timer. Another logger does when the leader's beat
// arrives, so that it wakes up once for both, and the beats of all come in one moment; by a timer only where none comes.
import { PULSE_EARLY, PULSE_LATE } from './limits.ts';

interface PulseOptions {
  readonly heartbeatMs: number;
  turn(): void;
  now(): number;
  /** `setTimeout`. */
  after(run: () => void, ms: number): Timer;
}

type Timer = Pick<NodeJS.Timeout, 'refresh' | 'close'>;

export class Pulse {
  readonly #options: PulseOptions;
  #leads = true;
  #turnedMs: number;
  #timer: Timer;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#turnedMs = options.now();
    this.#timer = options.after(() => this.#turn(), options.heartbeatMs);
  }

  /** Whether this logger leads, or starts to. */
  lead(leads: boolean): void {
    if (leads === this.#leads) return;
    this.#leads = leads;
    this.#timer.close();
    const { heartbeatMs, after } = this.#options;
    this.#timer = after(() => this.#turn(), leads ? heartbeatMs : heartbeatMs * PULSE_LATE);
  }

  /** The beat of one that leads has come. */
  heard(): void {
    if (this.#leads) return;
    if (this.#options.now() - this.#turnedMs >= this.#options.heartbeatMs * PULSE_EARLY) this.#turn();
  }

  #turn(): void {
    this.#turnedMs = this.#options.now();
    this.#timer.refresh();
    this.#options.turn();
  }
}
