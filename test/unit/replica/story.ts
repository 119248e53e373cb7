// A stage for stories about the core alone: replicas whose disks and Consul answer at once unless told to wait, messages
// that the test lets through or holds, and a trace of what matters. No randomness: ids are names, incarnations are counted.
import {
  ALL_RULES,
  DEFAULT_TIMINGS,
  type DurableState,
  type Effect,
  type EpochPair,
  type Event,
  type Message,
  type Position,
  type RegisterOutcome,
  type RegisterSnapshot,
  type RegisterValue,
  Replica,
} from '../../../src/replica/index.ts';

/** What survives a crash. */
interface Disk {
  uid: string;
  records: string[];
  syncedEnd: number;
  pairs: EpochPair[];
  commit: number;
  state: DurableState;
}

interface Actor {
  readonly id: string;
  /** Being stored. */
  pair: EpochPair | null;
  replica: Replica | null;
  generation: number;
  streams: Map<number, { stream: number; epoch: number; position: Position; until: Position | null }>;
  held: Event[] | null;
  /** What is held; everything when null. */
  heldType: Event['type'] | null;
}

interface Wire {
  readonly a: string;
  readonly b: string;
  readonly link: number;
}

const NOTHING: DurableState = {
  promisedEpoch: 0,
  promisedIncarnation: null,
  members: [],
  membersVersion: { epoch: 0, revision: 0 },
};

export class Story {
  readonly trace: string[] = [];
  /** Every message: sender, type, receiver. */
  readonly sent: string[] = [];
  /** What people are told. */
  onNote: (text: string) => void = () => {};
  /** What becomes of a message on its way. */
  tamper: (message: Message) => Message = (message) => message;
  now = 1000;
  readonly disks = new Map<string, Disk>();
  readonly #actors = new Map<string, Actor>();
  readonly #ids: readonly string[];
  #wires: Wire[] = [];
  #links = 0;
  #incarnations = 0;
  #sessions = 0;
  register: RegisterSnapshot = { value: null, index: 0, session: null };
  #index = 0;
  #mail: { from: string; to: string; link: number; message: Message }[] = [];
  readonly #blocked = new Set<string>();
  /** How the next write to the register ends, instead of well. */
  nextWrite: 'unknown, done' | 'unknown, not done' | 'answered late' | null = null;
  /** The answer to a write that was `answered late`. */
  #lateAnswer: (() => void) | null = null;
  /** No write to the register is carried out, and none is known not to be. */
  writesLost = false;
  /** Questions to Consul: reads and writes of the register. */
  asked = 0;

  constructor(ids: readonly string[]) {
    this.#ids = ids;
    for (const id of ids) {
      this.disks.set(id, { uid: `${id}1`, records: [], syncedEnd: 0, pairs: [], commit: 0, state: NOTHING });
      this.#actors.set(id, {
        id,
        pair: null,
        replica: null,
        generation: 1,
        streams: new Map(),
        held: null,
        heldType: null,
      });
    }
  }

  /** The common opening: all members follow `leader`, who has committed these records; the trace begins after it. */
  static begin(ids: readonly string[], leader: string, ...records: string[]): Story {
    const story = new Story(ids);
    story.start(...ids);
    story.pass(100);
    const first = ids.find((id) => story.state(id).leading);
    if (first && first !== leader) story.event(first, { type: 'transfer', to: leader });
    story.pass(100);
    story.append(leader, ...records);
    story.pass(50);
    story.trace.length = 0;
    return story;
  }

  say(line: string): void {
    this.trace.push(line);
  }

  state(id: string): Replica['state'] {
    const { replica } = this.#actor(id);
    if (!replica) throw new Error(`${id} is down`);
    return replica.state;
  }

  #actor(id: string): Actor {
    const actor = this.#actors.get(id);
    if (!actor) throw new Error(`nobody is called ${id}`);
    return actor;
  }

  start(...ids: string[]): void {
    for (const id of ids) {
      const disk = this.disks.get(id)!;
      const actor = this.#actor(id);
      actor.streams.clear();
      actor.held = null;
      actor.pair = null;
      const self = { id, uid: disk.uid, peer: `${id}:1` };
      const newIncarnation = (): string => {
        this.#incarnations += 1;
        return `claim-${this.#incarnations}`;
      };
      const config = {
        self,
        api: `http://${id}`,
        bootstrap: this.#ids,
        timings: DEFAULT_TIMINGS,
        rules: ALL_RULES,
        newIncarnation,
      };
      const initial = { log: this.#view(actor), commit: disk.commit, durable: disk.state };
      actor.replica = new Replica(config, initial, this.now);
      this.#step(actor, { type: 'register', snapshot: this.register, token: null });
    }
    for (const id of ids) for (const other of this.#ids) this.connect(id, other);
    this.run();
  }

  /** The process dies; of the log only what was synced stays. */
  crash(...ids: string[]): void {
    for (const id of ids) {
      const disk = this.disks.get(id)!;
      disk.records.length = disk.syncedEnd;
      disk.pairs = disk.pairs.filter(({ start }) => start <= disk.syncedEnd);
      this.#actor(id).replica = null;
      for (const other of this.#ids) this.disconnect(id, other);
    }
    this.run();
  }

  wipe(id: string): void {
    const uid = `${id}${Number(this.disks.get(id)!.uid.slice(id.length)) + 1}`;
    this.disks.set(id, { uid, records: [], syncedEnd: 0, pairs: [], commit: 0, state: NOTHING });
  }

  connect(a: string, b: string): void {
    if (a === b || this.#blocked.has(pairOf(a, b)) || this.#wireOf(a, b)) return;
    const [one, other] = [this.#actor(a), this.#actor(b)];
    if (!one.replica || !other.replica) return;
    this.#links += 1;
    const link = this.#links;
    this.#wires.push({ a, b, link });
    this.#step(one, { type: 'connected', link, peer: this.#self(b) });
    this.#step(other, { type: 'connected', link, peer: this.#self(a) });
  }

  disconnect(a: string, b: string): void {
    const wire = this.#wireOf(a, b);
    if (!wire) return;
    this.#wires = this.#wires.filter((one) => one !== wire);
    this.#mail = this.#mail.filter(({ link }) => link !== wire.link);
    for (const id of [a, b]) {
      this.#actor(id).streams.delete(wire.link);
      if (this.#actor(id).replica) this.#step(this.#actor(id), { type: 'disconnected', link: wire.link });
    }
  }

  /** Cuts `id` off from the others named (all by default) until `join`. */
  isolate(id: string, others: readonly string[] = this.#ids): void {
    for (const other of others) {
      this.#blocked.add(pairOf(id, other));
      this.disconnect(id, other);
    }
    this.run();
  }

  join(...ids: string[]): void {
    for (const id of ids)
      for (const other of this.#ids) {
        this.#blocked.delete(pairOf(id, other));
        this.connect(id, other);
      }
    this.run();
  }

  #wireOf(a: string, b: string): Wire | undefined {
    return this.#wires.find((wire) => (wire.a === a && wire.b === b) || (wire.a === b && wire.b === a));
  }

  #self(id: string): { id: string; uid: string; peer: string } {
    return { id, uid: this.disks.get(id)!.uid, peer: `${id}:1` };
  }

  /** Lets time pass in small steps, with heartbeats, until `ms` are over. */
  pass(ms: number): void {
    for (const endMs = this.now + ms; this.now < endMs; ) {
      this.now += 10;
      this.#beats();
      for (const actor of this.#actors.values()) if (actor.replica) this.#step(actor, { type: 'tick' });
      this.run();
    }
  }

  #beats(): void {
    for (const { a, b } of this.#wires)
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const { beat } = this.state(from);
        this.#step(this.#actor(to), { type: 'beat', uid: this.disks.get(from)!.uid, beat });
      }
  }

  /** The leader `id` appends records. */
  append(id: string, ...records: string[]): void {
    const disk = this.disks.get(id)!;
    disk.records.push(...records);
    this.say(`${id} appends ${records.join(' ')} up to ${disk.records.length}`);
    this.#step(this.#actor(id), { type: 'appended', end: disk.records.length });
    this.run();
  }

  event(id: string, event: Event): void {
    this.#step(this.#actor(id), event);
    this.run();
  }

  /** Completions of the disk of `id` (of one kind, when given) wait until `release`. */
  hold(id: string, type: Event['type'] | null = null): void {
    const actor = this.#actor(id);
    actor.held ??= [];
    actor.heldType = type;
  }

  release(id: string): void {
    const actor = this.#actor(id);
    const waiting = actor.held ?? [];
    actor.held = null;
    for (const event of waiting) this.#complete(actor, event);
    this.run();
  }

  /** Delivers everything that is under way. */
  run(): void {
    for (let next = this.#mail.shift(); next; next = this.#mail.shift()) {
      const actor = this.#actor(next.to);
      if (actor.replica) this.#step(actor, { type: 'message', link: next.link, message: next.message });
    }
  }

  #step(actor: Actor, event: Event): void {
    for (const effect of actor.replica?.step(event, this.now) ?? []) this.#carryOut(actor, effect);
    this.#pump(actor);
  }

  #view(actor: Actor): {
    first: number;
    end: number;
    syncedEnd: number;
    generation: number;
    pairs: EpochPair[];
  } {
    const { records, syncedEnd, pairs } = this.disks.get(actor.id)!;
    return { first: 0, end: records.length, syncedEnd, generation: actor.generation, pairs: [...pairs] };
  }

  #complete(actor: Actor, event: Event): void {
    const disk = this.disks.get(actor.id)!;
    if (event.type === 'synced' && event.generation === actor.generation)
      disk.syncedEnd = Math.max(disk.syncedEnd, event.end);
    if (event.type === 'log-changed' && actor.pair) {
      this.say(`${actor.id} stores epoch ${actor.pair.epoch} from ${actor.pair.start} on`);
      disk.pairs = [...disk.pairs, actor.pair];
      actor.pair = null;
    }
    this.#step(actor, event.type === 'log-changed' ? { type: 'log-changed', log: this.#view(actor) } : event);
  }

  #later(actor: Actor, event: Event): void {
    if (actor.held && (actor.heldType === null || actor.heldType === event.type)) actor.held.push(event);
    else this.#complete(actor, event);
  }

  #carryOut(actor: Actor, effect: Effect): void {
    const disk = this.disks.get(actor.id)!;
    switch (effect.type) {
      case 'send':
        this.#send(actor.id, effect.link, effect.message);
        break;
      case 'append':
        disk.records.push(...effect.batches.map(String));
        break;
      case 'sync':
        this.#later(actor, { type: 'synced', end: disk.records.length, generation: actor.generation });
        break;
      case 'cut':
        this.say(`${actor.id} cuts to ${effect.end}, epoch ${effect.sharedEpoch}`);
        actor.generation += 1;
        disk.records.length = effect.end;
        disk.syncedEnd = Math.min(disk.syncedEnd, effect.end);
        disk.pairs = disk.pairs.filter(({ epoch }) => epoch <= effect.sharedEpoch);
        this.#later(actor, { type: 'log-changed', log: this.#view(actor) });
        break;
      case 'add-pair':
        actor.pair = effect.pair;
        this.#later(actor, { type: 'log-changed', log: this.#view(actor) });
        break;
      case 'store-state':
        disk.state = effect.state;
        this.#later(actor, { type: 'state-stored', token: effect.token });
        break;
      case 'stream':
        actor.streams.set(effect.link, effect);
        break;
      case 'stream-stop':
        actor.streams.delete(effect.link);
        break;
      case 'commit':
        disk.commit = effect.commit;
        this.say(`${actor.id} commits ${effect.commit}`);
        break;
      case 'role':
        this.say(
          `${actor.id} is ${effect.role.kind}, epoch ${effect.role.epoch}${effect.reason ? ` (${effect.reason})` : ''}`,
        );
        break;
      case 'note':
        this.onNote(effect.text);
        break;
      case 'fault':
        this.say(`${actor.id} stops: ${effect.fault}`);
        break;
      case 'transfer-refused':
        this.say(`${actor.id} refuses: ${effect.reason}`);
        break;
      default:
        this.#askConsul(actor, effect);
    }
  }

  #askConsul(actor: Actor, effect: Effect): void {
    switch (effect.type) {
      case 'open-session':
        this.#sessions += 1;
        this.#step(actor, { type: 'session-opened', session: `session-${this.#sessions}` });
        break;
      case 'read-register':
        this.asked += 1;
        this.#step(actor, { type: 'register', snapshot: this.register, token: effect.token });
        break;
      case 'take-register':
      case 'update-register':
        this.#write(actor, effect);
        break;
    }
  }

  #write(
    actor: Actor,
    { token, seen, value, session }: Extract<Effect, { type: 'take-register' | 'update-register' }>,
  ): void {
    this.asked += 1;
    const how = this.writesLost ? 'unknown, not done' : this.nextWrite;
    this.nextWrite = null;
    let outcome: RegisterOutcome = { kind: 'refused', reason: 'index-moved', now: this.register };
    if (seen.index === this.register.index && how !== 'unknown, not done') {
      this.#set(value, session);
      outcome = { kind: 'done', snapshot: this.register };
    }
    if (how === 'answered late') {
      this.deaf.add(actor.id);
      this.#lateAnswer = () => this.#step(actor, { type: 'register-written', token, outcome });
      this.tellRegister();
      return;
    }
    if (how) this.say(`${actor.id} hears nothing from Consul`);
    this.#step(actor, { type: 'register-written', token, outcome: how ? { kind: 'unknown' } : outcome });
    this.tellRegister();
  }

  #set(value: RegisterValue | null, session: string | null): void {
    this.#index += 1;
    this.register = { value, index: value ? this.#index : 0, session };
    if (value)
      this.say(
        `register: epoch ${value.epoch} of ${value.leader.id}, members ${value.members
          .map(({ uid }) => uid)
          .sort()
          .join(' ')}`,
      );
  }

  /** What Consul had to say to the writer, and had not until now. */
  answerLate(): void {
    this.say('Consul answers');
    this.deaf.clear();
    this.#lateAnswer?.();
    this.#lateAnswer = null;
    this.tellRegister();
    this.run();
  }

  /** Consul lost its disk. */
  loseRegister(): void {
    this.#set(null, null);
    this.say('Consul lost the register');
    this.tellRegister();
  }

  /** Consul is restored from a backup. */
  restoreRegister(backup: RegisterSnapshot): void {
    this.#set(backup.value, null);
    this.say('Consul was restored');
    this.tellRegister();
  }

  tellRegister(): void {
    for (const actor of this.#actors.values())
      if (actor.replica && !this.deaf.has(actor.id))
        this.#step(actor, { type: 'register', snapshot: this.register, token: null });
  }

  /** They hear nothing of Consul by themselves. */
  readonly deaf = new Set<string>();

  #send(from: string, link: number, message: Message): void {
    const wire = this.#wires.find((one) => one.link === link);
    if (!wire) return;
    const to = wire.a === from ? wire.b : wire.a;
    this.sent.push(`${from} ${message.type} ${to}`);
    this.#mail.push({ from, to, link, message: this.tamper(message) });
  }

  /** The driver's part: entries in order, one record a batch. */
  #pump(actor: Actor): void {
    const { records, pairs } = this.disks.get(actor.id)!;
    for (const [link, open] of actor.streams) {
      const { stream, epoch } = open;
      for (;;) {
        const { epoch: last, end } = open.position;
        const pair = pairs.find((one) => one.epoch > last);
        if (pair?.start === end) {
          open.position = { epoch: pair.epoch, end };
          this.#send(actor.id, link, { type: 'pair', epoch, stream, pair });
        } else if (end < records.length) {
          open.position = { epoch: last, end: end + 1 };
          const batches = [Buffer.from(records[end]!)];
          const { commit } = actor.replica!.state;
          this.#send(actor.id, link, {
            type: 'batches',
            epoch,
            stream,
            from: end,
            end: end + 1,
            commit,
            first: 0,
            batches,
          });
        } else break;
      }
      const { commit } = actor.replica!.state;
      if (this.#told.get(link) !== commit)
        this.#send(actor.id, link, { type: 'commit', epoch, stream, commit, first: 0 });
      this.#told.set(link, commit);
    }
  }

  readonly #told = new Map<number, number>();

  log(id: string): string {
    const { records, pairs } = this.disks.get(id)!;
    return `${records.join(' ')} | ${pairs.map(({ epoch, start }) => `${epoch}@${start}`).join(' ')}`;
  }
}

const pairOf = (a: string, b: string): string => [a, b].sort().join();
