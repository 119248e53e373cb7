// A takeover runs code that nothing else runs, and would compile it while every client waits: a fifth of the whole takeover.
// So each logger plays one through when it has started: three replicas of the real core elect a leader, replicate, hand
// over and lose a leader, in memory, with every message and register value encoded and decoded as in earnest. Nothing of it
// touches the disk, the network, Consul or the clock. What was compiled is kept (see src/engine.ts).
import { randomUUID } from 'node:crypto';
import { encodeRegister, parseRegister } from '../election/index.ts';
import {
  ALL_RULES,
  DEFAULT_TIMINGS,
  type Effect,
  type EpochPair,
  type Event,
  type Message,
  type RegisterSnapshot,
  type RegisterValue,
  Replica,
} from '../replica/index.ts';
import { decodeMessage, encodeMessage } from '../replication/index.ts';

const IDS = ['a', 'b', 'c'] as const;
/** Far more than an election takes; the play ends there whatever happens. */
const TICKS_MAX = 200;
const TICK_MS = 10;

/** What was played, for those who wonder whether it was. */
export interface Rehearsed {
  /** Epochs that had a serving leader. */
  readonly leaderships: number;
  readonly committed: number;
}

/** Takes some 10 ms of processor. */
export function rehearse(): Rehearsed {
  const stage = new Stage();
  const first = stage.untilLed();
  stage.append(first);
  stage.event(first, { type: 'transfer', to: null });
  const second = stage.untilLed(first);
  stage.append(second);
  stage.leave(second);
  const third = stage.untilLed(second);
  stage.append(third);
  return stage.played;
}

interface Actor {
  readonly id: string;
  readonly replica: Replica;
  /** What it sends to whom; emptied with each leadership. */
  readonly streams: Map<number, Open>;
  pairs: readonly EpochPair[];
  end: number;
  present: boolean;
}

type StreamEffect = Extract<Effect, { type: 'stream' }>;
interface Open extends Pick<StreamEffect, 'link' | 'epoch' | 'stream'> {
  next: number;
}

interface Due {
  readonly to: Actor;
  readonly event: Event;
}

class Stage {
  readonly #actors: readonly Actor[];
  readonly #due: Due[] = [];
  #register: RegisterSnapshot = { value: null, index: 0, session: null };
  #nowMs = 0;
  #tokens = 0;
  #leaderships = 0;

  constructor() {
    this.#actors = IDS.map((id) => actorOf(id));
    for (const actor of this.#actors) {
      this.#later(actor, { type: 'register', snapshot: this.#register, token: null });
      for (const other of this.#actors)
        if (other !== actor)
          this.#later(actor, { type: 'connected', link: linkOf(actor, other), peer: selfOf(other.id) });
    }
  }

  get played(): Rehearsed {
    return {
      leaderships: this.#leaderships,
      committed: Math.max(...this.#actors.map(({ replica }) => replica.state.commit)),
    };
  }

  /** Somebody other than `former` serves. */
  untilLed(former: Actor | null = null): Actor {
    for (let tick = 0; tick < TICKS_MAX; tick += 1) {
      const leader = this.#actors.find(
        (actor) => actor !== former && actor.present && actor.replica.state.leading?.phase === 'serving',
      );
      if (leader) return leader;
      this.#nowMs += TICK_MS;
      for (const actor of this.#actors) this.event(actor, { type: 'tick' });
    }
    throw new Error('the rehearsal of a takeover came to no leader');
  }

  append(leader: Actor): void {
    leader.end += 1;
    this.#later(leader, { type: 'appended', end: leader.end });
    for (const open of leader.streams.values()) this.#pump(leader, open);
    this.#run();
  }

  /** Its process dies. */
  leave(actor: Actor): void {
    actor.present = false;
    for (const other of this.#actors)
      this.#later(other, { type: 'disconnected', link: linkOf(other, actor) });
    this.#run();
  }

  event(actor: Actor, event: Event): void {
    this.#later(actor, event);
    this.#run();
  }

  #later(to: Actor, event: Event): void {
    this.#due.push({ to, event });
  }

  #run(): void {
    for (let next = this.#due.shift(); next; next = this.#due.shift()) {
      const { to, event } = next;
      if (!to.present) continue;
      for (const effect of to.replica.step(event, this.#nowMs)) this.#carryOut(to, effect);
    }
  }

  #carryOut(actor: Actor, effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#send(actor, effect.link, effect.message);
        break;
      case 'append':
        actor.end = effect.end;
        break;
      case 'sync':
        this.#later(actor, { type: 'synced', end: actor.end, generation: 0 });
        break;
      case 'add-pair':
        actor.pairs = [...actor.pairs, effect.pair];
        this.#later(actor, { type: 'log-changed', log: viewOf(actor) });
        break;
      case 'store-state':
        this.#later(actor, { type: 'state-stored', token: effect.token });
        break;
      case 'stream':
        this.#stream(actor, effect);
        break;
      case 'stream-stop':
        actor.streams.delete(effect.link);
        break;
      case 'open-session':
        this.#tokens += 1;
        this.#later(actor, { type: 'session-opened', session: `session-${this.#tokens}` });
        break;
      case 'take-register':
      case 'update-register':
        this.#write(actor, effect);
        break;
      case 'role':
        if (effect.role.kind === 'leading') this.#leaderships += 1;
        break;
    }
  }

  #send(from: Actor, link: number, message: Message): void {
    const to = this.#actors.find((actor) => linkOf(from, actor) === link && actor !== from);
    if (!to) return;
    const { header, payload } = encodeMessage(message);
    const received = decodeMessage(JSON.parse(JSON.stringify(header)), Buffer.concat(payload));
    this.#later(to, { type: 'message', link: linkOf(to, from), message: received });
  }

  #stream(actor: Actor, { link, epoch, stream, position }: StreamEffect): void {
    const open = { link, epoch, stream, next: position.end };
    actor.streams.set(link, open);
    this.#pump(actor, open);
    const pair = actor.pairs.at(-1);
    if (pair && pair.epoch > position.epoch) this.#send(actor, link, { type: 'pair', epoch, stream, pair });
  }

  #pump(actor: Actor, open: Open): void {
    const { link, epoch, stream, next: from } = open;
    const { end, replica } = actor;
    if (from === end) return;
    open.next = end;
    const { commit } = replica.state;
    const batches = [Buffer.alloc(1)];
    this.#send(actor, link, { type: 'batches', epoch, stream, from, end, commit, first: 0, batches });
  }

  #write(
    actor: Actor,
    { token, seen, value, session }: Extract<Effect, { type: 'take-register' | 'update-register' }>,
  ): void {
    if (seen.index !== this.#register.index) {
      const outcome = { kind: 'refused', reason: 'index-moved', now: this.#register } as const;
      this.#later(actor, { type: 'register-written', token, outcome });
      return;
    }
    const index = this.#register.index + 1;
    this.#register = { value: reread(value, index), index, session };
    const snapshot = this.#register;
    this.#later(actor, { type: 'register-written', token, outcome: { kind: 'done', snapshot } });
    for (const other of this.#actors) this.#later(other, { type: 'register', snapshot, token: null });
  }
}

const reread = (value: RegisterValue, index: number): RegisterValue =>
  parseRegister(Buffer.from(encodeRegister(value), 'base64').toString(), 'rehearsal', index);

/** One link for each pair and direction of view. */
const linkOf = (from: { id: string }, to: { id: string }): number =>
  IDS.indexOf(from.id as 'a') * IDS.length + IDS.indexOf(to.id as 'a') + 1;

const selfOf = (id: string): { id: string; uid: string; peer: string } => ({
  id,
  uid: `${id}-uid`,
  peer: `${id}:1`,
});

const viewOf = ({ end, pairs }: Pick<Actor, 'end' | 'pairs'>) => ({
  first: 0,
  end,
  syncedEnd: end,
  generation: 0,
  pairs,
});

function actorOf(id: string): Actor {
  const config = {
    self: selfOf(id),
    api: `http://${id}`,
    bootstrap: IDS,
    timings: DEFAULT_TIMINGS,
    rules: ALL_RULES,
    newIncarnation: randomUUID,
  };
  const membersVersion = { epoch: 0, revision: 0 };
  const durable = { promisedEpoch: 0, promisedIncarnation: null, members: [], membersVersion };
  const log = viewOf({ end: 0, pairs: [] });
  const replica = new Replica(config, { log, commit: 0, durable }, 0);
  return { id, replica, streams: new Map(), pairs: [], end: 0, present: true };
}
