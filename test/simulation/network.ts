// The network between simulated loggers: connections that deliver in order until they break, with delays, one-way and
// two-way cuts, ends that learn of a break at different times, and now and then a message twice or of a former connection.
import type { Beat, Member, Message } from '../../src/replica/index.ts';
import type { PeerAddress, Transport, TransportHandlers } from '../../src/replication/types.ts';
import type { Owner, World } from './world.ts';

/** One end of a connection. */
interface End {
  readonly transport: SimulatedTransport;
  readonly link: number;
  other: End | null;
  /** The handler was told; nothing is delivered after `closed`. */
  open: boolean;
  closed: boolean;
  /** Messages are delivered in order: not before the one before. */
  lastAtMs: number;
}

const CONNECT_MS = 2;
const REDIAL_MS = 100;
/** How often loggers tell each other their clocks, beside their heartbeats. */
const CLOCK_MS = 500;
/** How long a cut connection stands before its ends notice that nothing comes. */
const SILENCE_MS = 1500;

export interface NetworkFaults {
  /** Chance that a message takes up to `slowMs`. */
  slow: number;
  slowMs: number;
  repeat: number;
  stray: number;
}

export class Network {
  readonly world: World;
  readonly faults: NetworkFaults = { slow: 0.01, slowMs: 50, repeat: 0, stray: 0 };
  /** "from>to" by logger id. */
  readonly cuts = new Set<string>();
  /** The same for heartbeats alone. */
  readonly beatCuts = new Set<string>();
  /** Added to the delay of messages, by "from>to". */
  readonly delays = new Map<string, number>();
  /** Added to the delay of messages, by their type. */
  readonly lateTypes = new Map<Message['type'], number>();
  readonly #transports = new Map<string, SimulatedTransport>();

  constructor(world: World) {
    this.world = world;
  }

  add(transport: SimulatedTransport): void {
    this.#transports.set(transport.self.peer, transport);
  }

  at(peer: string): SimulatedTransport | undefined {
    const found = this.#transports.get(peer);
    return found?.owner.alive ? found : undefined;
  }

  get all(): SimulatedTransport[] {
    return [...this.#transports.values()].filter(({ owner }) => owner.alive);
  }

  readonly passes = (from: string, to: string): boolean => !this.cuts.has(`${from}>${to}`);

  delayMs(): number {
    const { random } = this.world;
    return random.chance(this.faults.slow) ? random.skewed(1, this.faults.slowMs) : 0.1 + random.next() * 0.5;
  }

  /** The process died: the kernel closes its connections, unless the whole machine is gone. */
  died(transport: SimulatedTransport, silently: boolean): void {
    for (const end of transport.ends()) {
      end.closed = true;
      const { other } = end;
      if (!other || other.closed) continue;
      this.world.after(silently ? SILENCE_MS : this.delayMs(), other.transport.owner, () => close(other));
    }
  }
}

function close(end: End): void {
  if (end.closed) return;
  end.closed = true;
  end.transport.dropped(end);
}

export class SimulatedTransport implements Transport {
  readonly self: Member;
  readonly owner: Owner;
  readonly #network: Network;
  readonly #heartbeatMs: number;
  /** The machine's time of day. */
  readonly wall: () => number;
  #handlers: TransportHandlers | null = null;
  #peers: readonly PeerAddress[] = [];
  readonly #byPeer = new Map<string, End>();
  #beat: Beat | null = null;
  #links = 0;
  #clockToldMs = 0;

  constructor(network: Network, self: Member, owner: Owner, heartbeatMs: number, wall: () => number) {
    this.#network = network;
    this.self = self;
    this.owner = owner;
    this.#heartbeatMs = heartbeatMs;
    this.wall = wall;
    network.add(this);
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    this.#redial();
    this.#beatOn();
  }

  setPeers(peers: readonly PeerAddress[]): void {
    this.#peers = peers;
    for (const { peer } of peers) this.#dial(peer);
  }

  #redial(): void {
    for (const { peer } of this.#peers) this.#dial(peer);
    this.#network.world.after(REDIAL_MS, this.owner, () => this.#redial());
  }

  #dial(peer: string): void {
    if (peer === this.self.peer || this.#byPeer.has(peer)) return;
    const { world } = this.#network;
    world.after(CONNECT_MS * (0.5 + world.random.next()), this.owner, () => {
      const there = this.#network.at(peer);
      if (!there?.takesCalls || there.owner.paused || this.#byPeer.has(peer)) return;
      const { id } = there.self;
      if (!this.#network.passes(this.self.id, id) || !this.#network.passes(id, this.self.id)) return;
      there.accept(this);
    });
  }

  get takesCalls(): boolean {
    return this.#handlers !== null;
  }

  /** A hello was exchanged: a former connection to the same peer makes room. */
  accept(caller: SimulatedTransport): void {
    const here = this.#end();
    const there = caller.#end();
    here.other = there;
    there.other = here;
    this.#opened(here, caller);
    caller.#opened(there, this);
  }

  #end(): End {
    this.#links += 1;
    return { transport: this, link: this.#links, other: null, open: false, closed: false, lastAtMs: 0 };
  }

  #opened(end: End, { self: peer, wall }: SimulatedTransport): void {
    const delayMs = this.#network.delayMs();
    const wallMs = wall();
    // What the other end sends is read after the connection was announced here.
    if (end.other) end.other.lastAtMs = this.#network.world.now + delayMs;
    this.#network.world.after(delayMs, this.owner, () => {
      if (end.closed) return;
      const former = this.#byPeer.get(peer.peer);
      if (former) close(former);
      end.open = true;
      this.#byPeer.set(peer.peer, end);
      this.#handlers?.connected(end.link, peer);
      this.#handlers?.clock(peer.uid, wallMs, 0);
    });
  }

  dropped(end: End): void {
    for (const [peer, present] of this.#byPeer) if (present === end) this.#byPeer.delete(peer);
    if (end.open) this.#handlers?.disconnected(end.link);
    const { other } = end;
    if (other && !other.closed)
      this.#network.world.after(this.#network.delayMs(), other.transport.owner, () => close(other));
  }

  ends(): End[] {
    return [...this.#byPeer.values()];
  }

  /** Breaks a connection as a lost route would: this end notices now, the other a little later. */
  breakLink(peer: string): void {
    const end = this.#byPeer.get(peer);
    if (end) close(end);
  }

  send(link: number, message: Message): void {
    const { world, faults } = this.#network;
    for (const end of this.#byPeer.values()) {
      if (end.link !== link || !end.other || end.closed) continue;
      const { other } = end;
      if (!this.#network.passes(this.self.id, other.transport.self.id)) {
        this.#stall(end);
        return;
      }
      this.#deliver(end, other, message);
      if (world.random.chance(faults.repeat)) this.#deliver(end, other, message);
      if (world.random.chance(faults.stray)) this.#stray(other, message);
      return;
    }
  }

  #deliver(end: End, other: End, message: Message): void {
    const { world } = this.#network;
    // What was lost on the way breaks the order: everything later on this connection is lost with it.
    if (end.lastAtMs === Number.POSITIVE_INFINITY) return;
    const { transport } = other;
    const { delays, lateTypes } = this.#network;
    const extraMs =
      (delays.get(`${this.self.id}>${transport.self.id}`) ?? 0) + (lateTypes.get(message.type) ?? 0);
    const atMs = Math.max(end.lastAtMs, world.now + this.#network.delayMs() + extraMs);
    end.lastAtMs = atMs;
    world.after(atMs - world.now, transport.owner, () => {
      if (!other.closed && other.open) transport.#handlers?.message(other.link, message);
    });
  }

  /** Nothing more gets through on this connection; after a while both ends give it up. */
  #stall(end: End): void {
    if (end.lastAtMs === Number.POSITIVE_INFINITY) return;
    end.lastAtMs = Number.POSITIVE_INFINITY;
    const { world } = this.#network;
    world.after(SILENCE_MS * (0.5 + world.random.next()), this.owner, () => close(end));
  }

  /** A message of a connection that is gone comes after all. */
  #stray(other: End, message: Message): void {
    const { world } = this.#network;
    const { transport } = other;
    world.after(world.random.skewed(5, 3000), transport.owner, () => {
      if (other.closed) transport.#handlers?.message(other.link, message);
    });
  }

  setBeat(beat: Beat): void {
    this.#beat = beat;
    this.#sendBeats();
  }

  stepped(): void {}

  #beatOn(): void {
    this.#sendBeats();
    this.#network.world.after(this.#heartbeatMs, this.owner, () => this.#beatOn());
  }

  /** Heartbeats have a connection of their own: they may overtake messages. */
  #sendBeats(): void {
    const beat = this.#beat;
    if (!beat || !this.#handlers) return;
    const wallMs = this.#clockToTell();
    for (const { other } of this.#byPeer.values()) {
      if (!other) continue;
      const { transport } = other;
      const { passes, beatCuts } = this.#network;
      if (!passes(this.self.id, transport.self.id)) continue;
      if (beatCuts.has(`${this.self.id}>${transport.self.id}`)) continue;
      this.#network.world.after(this.#network.delayMs(), transport.owner, () => {
        if (other.closed || !other.open) return;
        transport.#handlers?.beat(this.self.uid, beat);
        if (wallMs !== null) transport.#handlers?.clock(this.self.uid, wallMs, 0);
      });
    }
  }

  #clockToTell(): number | null {
    const nowMs = this.#network.world.now;
    if (nowMs - this.#clockToldMs < CLOCK_MS) return null;
    this.#clockToldMs = nowMs;
    return this.wall();
  }

  async close(): Promise<void> {
    for (const end of this.ends()) close(end);
    this.#handlers = null;
  }
}
