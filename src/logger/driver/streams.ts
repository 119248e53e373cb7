// The open streams, one per connection at most: opened, stopped and restarted as the core says.
import type { Log } from '../../log/types.ts';
import type { Effect, Event } from '../../replica/index.ts';
import type { Transport } from '../../replication/types.ts';
import type { Clock } from './outside.ts';
import { Stream, type StreamOutlet } from './stream.ts';

type StreamEffect = Extract<Effect, { type: 'stream' | 'stream-stop' | 'stream-restart' }>;

export interface StreamsOutlet {
  event(event: Event): void;
  note(text: string): void;
  commit(): number;
}

export class Streams {
  readonly #log: Log;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #outlet: StreamsOutlet;
  readonly #open = new Map<number, Stream>();
  #cancelTelling: (() => void) | null = null;

  constructor(log: Log, transport: Transport, clock: Clock, outlet: StreamsOutlet) {
    this.#log = log;
    this.#transport = transport;
    this.#clock = clock;
    this.#outlet = outlet;
  }

  get size(): number {
    return this.#open.size;
  }

  /** What is appended now should not wait for company. */
  get waitForNone(): boolean {
    for (const stream of this.#open.values()) if (!stream.isAlone) return false;
    return true;
  }

  carryOut(effect: StreamEffect): void {
    if (effect.type === 'stream-restart') {
      void this.#restart(effect);
      return;
    }
    const { link, stream } = effect;
    const present = this.#open.get(link);
    if (effect.type === 'stream-stop' && present?.id !== stream) return;
    present?.stop();
    this.#open.delete(link);
    if (effect.type === 'stream-stop') return;
    const opened = new Stream(this.#log, this.#streamOutlet(), effect);
    this.#open.set(link, opened);
    this.pump();
  }

  #streamOutlet(): StreamOutlet {
    const { event, note, commit } = this.#outlet;
    return {
      now: () => this.#clock.now(),
      send: (link, message) => this.#transport.send(link, message),
      behind: (link, stream) => event({ type: 'stream-behind', link, stream }),
      unreadable: ({ message }) => note(`the log cannot be read for a follower: ${message}`),
      get commit() {
        return commit();
      },
    };
  }

  acked({ link, stream, end }: Extract<Effect, { type: 'stream-acked' }>): void {
    const present = this.#open.get(link);
    if (present?.id === stream) present.acked(end);
  }

  /** Sends what there is, and sees to it that commit is told in time. */
  pump(): void {
    for (const stream of [...this.#open.values()]) stream.pump();
    this.#tellCommit();
  }

  #tellCommit(): void {
    if (this.#cancelTelling) return;
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const stream of this.#open.values()) {
      stream.tellCommit();
      soonestMs = Math.min(soonestMs, stream.commitDueMs ?? Number.POSITIVE_INFINITY);
    }
    if (soonestMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTelling = this.#clock.after(soonestMs, () => {
      this.#cancelTelling = null;
      this.#tellCommit();
    });
  }

  stop(): void {
    this.#cancelTelling?.();
    for (const stream of this.#open.values()) stream.stop();
    this.#open.clear();
  }

  async #restart({ link, epoch, stream }: Extract<Effect, { type: 'stream-restart' }>): Promise<void> {
    try {
      const { first } = this.#log;
      const producers = await this.#log.producersAt(first);
      const pairs = this.#log.pairs.filter(({ start }) => start <= first);
      this.#transport.send(link, { type: 'restart', epoch, stream, first, pairs, producers });
    } catch (error) {
      this.#outlet.note(`cannot start a follower anew: ${(error as Error).message}`);
      this.#outlet.event({ type: 'stream-behind', link, stream });
    }
  }
}
