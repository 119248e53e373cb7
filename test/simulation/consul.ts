// The simulated Consul: one register and its sessions. Calls may be answered late, fail before they arrive, or be carried
// out although the caller heard of a failure; it may be away, lose a session, or lose everything.
import type {
  Register,
  RegisterSnapshot,
  RegisterValue,
  Session,
  Sessions,
  WatchHandlers,
  WriteOutcome,
} from '../../src/election/types.ts';
import type { Owner, World } from './world.ts';

interface LiveSession {
  readonly id: string;
  readonly owner: Owner;
  readonly nodeId: string;
  renewedAtMs: number;
  end: (how: 'invalidated' | 'destroyed') => void;
}

interface Watcher {
  readonly nodeId: string;
  readonly owner: Owner;
  readonly handlers: WatchHandlers;
  readonly signal: AbortSignal;
  reachable: boolean;
}

export const SESSION_TTL_MS = 10_000;
const CALL_MS = 300;

export class SimulatedConsul {
  readonly #world: World;
  snapshot: RegisterSnapshot = { value: null, index: 0, session: null };
  #index = 10;
  #sessions = new Map<string, LiveSession>();
  #watchers: Watcher[] = [];
  away = false;
  /** Loggers that cannot reach it. */
  readonly cut = new Set<string>();
  /** Chance that a call goes wrong in one of the ways above. */
  trouble = 0;
  /** Called when a write is carried out, before its answer is sent. */
  onTake: (() => void) | null = null;
  onChange: (value: RegisterValue | null) => void = () => undefined;
  /** Every state that the register was in; for a restore from a backup. */
  readonly history: RegisterValue[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#expire();
  }

  register(nodeId: string, owner: Owner): Register {
    return {
      read: () => this.#call(nodeId, owner, () => this.snapshot),
      take: (seen, value, session) => this.#write(nodeId, owner, () => this.#take(seen, value, session)),
      update: (seen, value, session) => this.#write(nodeId, owner, () => this.#update(seen, value, session)),
      release: (seen, session) => this.#write(nodeId, owner, () => this.#release(seen, session)),
      watch: (handlers, signal) => this.#watch({ nodeId, owner, handlers, signal, reachable: true }),
    };
  }

  sessions(nodeId: string, owner: Owner): Sessions {
    return { open: () => this.#call(nodeId, owner, () => this.#open(nodeId, owner)) };
  }

  reaches(nodeId: string): boolean {
    return !this.away && !this.cut.has(nodeId);
  }

  /** The request arrives, or not; the answer arrives, or not. Rejects where the caller cannot know. */
  #call<T>(nodeId: string, owner: Owner, deed: () => T): Promise<T> {
    const { random } = this.#world;
    return new Promise((resolve, reject) => {
      const fail = (ms: number): void =>
        this.#world.after(ms, owner, () => reject(new Error('no answer from Consul')));
      if (!this.reaches(nodeId)) {
        fail(random.chance(0.5) ? 1 : CALL_MS);
        return;
      }
      const wrong = random.chance(this.trouble);
      if (wrong && random.chance(0.3)) {
        fail(CALL_MS);
        return;
      }
      // The deed may come long after the caller has given up.
      const arrivesMs = wrong && random.chance(0.5) ? random.skewed(1, 4000) : random.skewed(1, 8);
      const answerLost = wrong && random.chance(0.5);
      this.#world.after(arrivesMs, null, () => {
        if (this.away) return;
        const result = deed();
        if (!answerLost && this.reaches(nodeId))
          this.#world.after(random.skewed(1, 8), owner, () => resolve(result));
      });
      fail(CALL_MS);
    });
  }

  async #write(nodeId: string, owner: Owner, deed: () => WriteOutcome): Promise<WriteOutcome> {
    return this.#call(nodeId, owner, deed).catch((cause: Error) => ({ kind: 'unknown', cause }));
  }

  #refuse(reason: 'index-moved' | 'session-invalid' | 'lock-held'): WriteOutcome {
    return { kind: 'refused', reason, now: this.snapshot };
  }

  #take(seen: RegisterSnapshot, value: RegisterValue, session: string): WriteOutcome {
    if (seen.index !== this.snapshot.index) return this.#refuse('index-moved');
    if (!this.#sessions.has(session)) return this.#refuse('session-invalid');
    if (this.snapshot.session !== null && this.snapshot.session !== seen.session)
      return this.#refuse('lock-held');
    return this.#set(value, session);
  }

  #update(seen: RegisterSnapshot, value: RegisterValue, session: string): WriteOutcome {
    if (seen.index !== this.snapshot.index) return this.#refuse('index-moved');
    if (this.snapshot.session !== session) return this.#refuse('session-invalid');
    this.onTake?.();
    return this.#set(value, session);
  }

  #release(seen: RegisterSnapshot, session: string): WriteOutcome {
    if (seen.index !== this.snapshot.index || this.snapshot.session !== session)
      return this.#refuse('index-moved');
    return this.#set(this.snapshot.value, null);
  }

  #set(value: RegisterValue | null, session: string | null, restored = false): WriteOutcome {
    this.#index += this.#world.random.whole(1, 5);
    this.snapshot = { value, index: value === null ? 0 : this.#index, session };
    if (value && !restored) this.history.push(value);
    // What an old backup says binds nobody until a leader has written again.
    this.onChange(restored ? null : value);
    for (const watcher of this.#watchers) this.#tell(watcher);
    return { kind: 'done', snapshot: this.snapshot };
  }

  #watch(watcher: Watcher): void {
    this.#watchers = this.#watchers.filter(({ owner }) => owner.alive);
    this.#watchers.push(watcher);
    this.#poll(watcher);
  }

  /** The state when the answer is made, which may be an old one when it arrives. */
  #tell(watcher: Watcher): void {
    if (!this.reaches(watcher.nodeId)) return;
    const { snapshot } = this;
    const { random } = this.#world;
    const ms = random.chance(this.trouble) ? random.skewed(1, 500) : random.skewed(1, 10);
    this.#world.after(ms, watcher.owner, () => {
      if (!watcher.signal.aborted) watcher.handlers.onChange(snapshot);
    });
  }

  /** A blocking query ends now and then and begins anew. */
  #poll(watcher: Watcher): void {
    if (!watcher.owner.alive || watcher.signal.aborted) return;
    const reachable = this.reaches(watcher.nodeId);
    if (reachable !== watcher.reachable) watcher.handlers.onReachable(reachable);
    watcher.reachable = reachable;
    this.#tell(watcher);
    this.#world.after(1000, watcher.owner, () => this.#poll(watcher));
  }

  #open(nodeId: string, owner: Owner): Session {
    const id = this.#world.random.uuid();
    let end: (how: 'invalidated' | 'destroyed') => void = () => undefined;
    const ended = new Promise<'invalidated' | 'destroyed'>((resolve) => {
      end = (how) => this.#world.after(1, owner, () => resolve(how));
    });
    this.#sessions.set(id, { id, owner, nodeId, renewedAtMs: this.#world.now, end });
    return {
      id,
      ended,
      renewedAtMs: this.#world.now,
      destroy: () => this.#call(nodeId, owner, () => this.destroy(id, 'destroyed')),
    };
  }

  destroy(id: string, how: 'invalidated' | 'destroyed'): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#sessions.delete(id);
    session.end(how);
    if (this.snapshot.session === id) this.#set(this.snapshot.value, null);
  }

  get sessionIds(): string[] {
    return [...this.#sessions.keys()];
  }

  /** A live process renews by itself; the others run out of their TTL. */
  #expire(): void {
    for (const session of [...this.#sessions.values()]) {
      const renews = session.owner.alive && !session.owner.paused && this.reaches(session.nodeId);
      if (renews) session.renewedAtMs = this.#world.now;
      else if (!this.away && this.#world.now - session.renewedAtMs > SESSION_TTL_MS * 1.5)
        this.destroy(session.id, 'invalidated');
    }
    this.#world.after(SESSION_TTL_MS / 3, null, () => this.#expire());
  }

  /** Consul lost its disk. */
  lose(): void {
    for (const id of this.sessionIds) this.destroy(id, 'invalidated');
    this.#index = 10;
    this.#set(null, null);
  }

  /** Consul was restored from a backup that was made when the register held this value. */
  restore(value: RegisterValue): void {
    for (const id of this.sessionIds) this.destroy(id, 'invalidated');
    this.#index = Math.max(1, this.#index - 50);
    this.#set(value, null, true);
  }
}
