// Carries out what the core wants of Consul and reports how it ended. Nothing is decided or retried here; each call has
// the deadline that src/election gives it. Failures are told to people once, until the same works again: a token that may
// read but not lock would otherwise leave the loggers without a leader and without a word.

import type { ConsulError } from '../../election/errors.ts';
import type { Register, Session, Sessions } from '../../election/types.ts';
import { messageOf } from '../../errors.ts';
import type { Effect, Event } from '../../replica/index.ts';

type Wanted = 'open a session' | 'read the register' | 'write the register';
type Of<T extends Effect['type']> = Extract<Effect, { type: T }>;

export class ConsulRunner {
  readonly #register: Register;
  readonly #sessions: Sessions;
  readonly #event: (event: Event) => void;
  readonly #note: (text: string) => void;
  readonly #open = new Map<string, Session>();
  readonly #failing = new Set<Wanted>();

  constructor(
    register: Register,
    sessions: Sessions,
    event: (event: Event) => void,
    note: (text: string) => void,
  ) {
    this.#register = register;
    this.#sessions = sessions;
    this.#event = event;
    this.#note = note;
  }

  get sessions(): readonly Session[] {
    return [...this.#open.values()];
  }

  openSession(): void {
    this.#sessions.open().then(
      (session) => {
        this.#failing.delete('open a session');
        this.#open.set(session.id, session);
        this.#event({ type: 'session-opened', session: session.id });
        void session.ended.then(() => {
          this.#open.delete(session.id);
          this.#event({ type: 'session-ended', session: session.id });
        });
      },
      (error: unknown) => {
        this.#failed('open a session', error);
        this.#event({ type: 'session-failed' });
      },
    );
  }

  /** Also a failed attempt counts: the session then ends by its TTL, since it is not renewed any more. */
  async destroySession(id: string): Promise<void> {
    const session = this.#open.get(id);
    if (!session) return;
    this.#open.delete(id);
    try {
      await session.destroy();
    } catch {
      this.#event({ type: 'session-ended', session: id });
    }
  }

  read(token: number): void {
    this.#register.read().then(
      (snapshot) => {
        this.#failing.delete('read the register');
        this.#event({ type: 'register', snapshot, token });
      },
      (error: unknown) => {
        this.#failed('read the register', error);
        this.#event({ type: 'register-read-failed', token });
      },
    );
  }

  write({ type, token, seen, value, session }: Of<'take-register' | 'update-register'>): void {
    const sent =
      type === 'take-register'
        ? this.#register.take(seen, value, session)
        : this.#register.update(seen, value, session);
    sent.then(
      (outcome) => {
        // Certainly not done, and for no reason that the protocol knows of: the token may not write, most likely.
        const isRefused =
          outcome.kind === 'unknown' && (outcome.cause as Partial<ConsulError>).maybeDone === false;
        if (isRefused) this.#failed('write the register', outcome.cause);
        else this.#failing.delete('write the register');
        this.#event({ type: 'register-written', token, outcome });
      },
      // It may have been sent: only a later read or write settles it.
      (error: unknown) => {
        this.#failed('write the register', error);
        this.#event({ type: 'register-written', token, outcome: { kind: 'unknown' } });
      },
    );
  }

  #failed(what: Wanted, error: unknown): void {
    if (this.#failing.has(what)) return;
    this.#failing.add(what);
    this.#note(`cannot ${what} in Consul: ${messageOf(error)}`);
  }
}
