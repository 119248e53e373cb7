// Carries out what the core wants done to the log and to the state file, and reports back when it is durable. Changes of
// the log come one at a time by the core's own rule; a full disk is waited out, any other failure is fatal.
import { LoggerError } from '../../errors.ts';
import { batchesProblem, type Log, RefusedError, type StateFile } from '../../log/index.ts';
import type { DurableState, Effect, Event, LogView } from '../../replica/index.ts';
import { endOffsetOf } from './batch-header.ts';
import { type Clock, ROOM_RETRY_MS } from './outside.ts';

type Of<T extends Effect['type']> = Extract<Effect, { type: T }>;

export interface LogOutlet {
  event(event: Event): void;
  failed(error: Error): void;
}

export const viewOf = (log: Log): LogView => ({
  first: log.first,
  end: log.end,
  syncedEnd: log.syncedEnd,
  generation: log.generation,
  pairs: [...log.pairs],
});

export class LogRunner {
  readonly #log: Log;
  readonly #state: StateFile;
  readonly #clock: Clock;
  readonly #outlet: LogOutlet;

  constructor(log: Log, state: StateFile, clock: Clock, outlet: LogOutlet) {
    this.#log = log;
    this.#state = state;
    this.#clock = clock;
    this.#outlet = outlet;
  }

  /** Takes effect at once, or not at all. */
  append({ batches, end }: Of<'append'>): boolean {
    try {
      for (const batch of batches) {
        const problem = batchesProblem(batch);
        if (problem !== null) throw new RangeError(`damaged on the way or at the leader: ${problem}`);
      }
      const last = batches.at(-1);
      if (last === undefined || endOffsetOf(last) !== end)
        throw new RangeError(`batches said to end at ${end} do not end there`);
      this.#log.append(batches);
    } catch (error) {
      const full = error instanceof LoggerError;
      if (!full && !(error instanceof RangeError)) throw error;
      this.#outlet.event({ type: 'append-failed', reason: full ? 'disk-full' : 'gap', end: this.#log.end });
      return false;
    }
    return true;
  }

  sync(): void {
    this.#log.sync().then(
      ({ end, generation }) => this.#outlet.event({ type: 'synced', end, generation }),
      (error: Error) => this.#outlet.failed(error),
    );
  }

  /** What cannot be is refused by the log, with nothing changed; a peer may have asked for it. */
  change(effect: Of<'cut' | 'add-pair' | 'reset'>): void {
    let refusal: string | null = null;
    void this.#untilRoom(() =>
      this.#change(effect).catch((error: unknown) => {
        if (!(error instanceof RefusedError)) throw error;
        refusal = error.message;
      }),
    ).then(() => {
      const log = viewOf(this.#log);
      if (refusal === null) this.#outlet.event({ type: 'log-changed', log });
      else this.#outlet.event({ type: 'change-refused', log, text: refusal });
    });
  }

  async #change(effect: Of<'cut' | 'add-pair' | 'reset'>): Promise<void> {
    if (effect.type === 'add-pair') await this.#log.addPair(effect.pair);
    else if (effect.type === 'reset') await this.#log.reset(effect.first, effect.pairs, effect.producers);
    else await this.#cut(effect);
  }

  async #cut({ end, sharedEpoch }: Of<'cut'>): Promise<void> {
    if (end < this.#log.end) await this.#log.truncate(end);
    if ((this.#log.pairs.at(-1)?.epoch ?? 0) > sharedEpoch) await this.#log.cutPairsAbove(sharedEpoch);
  }

  trim(first: number): void {
    this.#log.deleteBelow(first).then(
      () => this.#outlet.event({ type: 'log-trimmed', first: this.#log.first }),
      (error: Error) => this.#outlet.failed(error),
    );
  }

  store(token: number, state: DurableState): void {
    void this.#untilRoom(() => this.#state.save(state)).then(() =>
      this.#outlet.event({ type: 'state-stored', token }),
    );
  }

  /** Never resolves when the failure is fatal: nothing may go on as if it had been done. */
  #untilRoom(run: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const attempt = (): void => {
        run().then(resolve, (error: Error) => {
          if (error instanceof LoggerError && error.code === 'disk-full')
            this.#clock.after(ROOM_RETRY_MS, attempt);
          else this.#outlet.failed(error);
        });
      };
      attempt();
    });
  }
}
