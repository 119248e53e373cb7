// What a driver needs around it besides its log and its peers: a register that does what it is asked, sessions that never end.
import type {
  Register,
  RegisterSnapshot,
  Sessions,
  WatchHandlers,
  WriteOutcome,
} from '../../../../src/election/types.ts';

/** An answer comes in a later turn of the event loop, as from a network: else one who asks again at once stops all timers. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class StandingRegister implements Register {
  #snapshot: RegisterSnapshot;
  #handlers: WatchHandlers | null = null;

  constructor(snapshot: RegisterSnapshot) {
    this.#snapshot = snapshot;
  }

  async read(): Promise<RegisterSnapshot> {
    await turn();
    return this.#snapshot;
  }

  async take(...[seen, value, session]: Parameters<Register['take']>): Promise<WriteOutcome> {
    await turn();
    if (seen.index !== this.#snapshot.index)
      return { kind: 'refused', reason: 'index-moved', now: this.#snapshot };
    this.#snapshot = { value, index: seen.index + 1, session };
    queueMicrotask(() => this.#handlers?.onChange(this.#snapshot));
    return { kind: 'done', snapshot: this.#snapshot };
  }

  update(...given: Parameters<Register['update']>): Promise<WriteOutcome> {
    return this.take(...given);
  }

  async release(): Promise<WriteOutcome> {
    return { kind: 'done', snapshot: this.#snapshot };
  }

  watch(handlers: WatchHandlers): void {
    this.#handlers = handlers;
    queueMicrotask(() => handlers.onChange(this.#snapshot));
  }
}

export const lastingSessions: Sessions = {
  open: async () => ({
    id: 'session',
    ended: new Promise(() => {}),
    renewedAtMs: performance.now(),
    destroy: async () => {},
  }),
};
