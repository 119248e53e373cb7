// Loggers as the wire sees them: real transports on 127.0.0.1, that write down what happens to them.
import type { Beat, Member, Message } from '../../../src/replica/index.ts';
import {
  createTransport,
  type TransportOptions,
  type WireLog,
  type WireTransport,
} from '../../../src/replication/index.ts';
import { until } from '../../support/until.ts';

export type Seen =
  | { readonly what: 'connected'; readonly link: number; readonly peer: Member }
  | { readonly what: 'disconnected'; readonly link: number }
  | { readonly what: 'message'; readonly link: number; readonly message: Message }
  | { readonly what: 'beat'; readonly uid: string; readonly beat: Beat };

export interface Owner {
  after(end: () => Promise<void>): void;
}

export const HEARTBEAT_MS = 20;
export const SUSPECT_MS = 400;

export class Node {
  readonly id: string;
  readonly transport: WireTransport;
  readonly logged: { readonly fields: Record<string, unknown>; readonly text: string }[] = [];
  readonly endings: string[] = [];
  readonly roundTripsMs: number[] = [];
  readonly traffic = { in: 0, out: 0 };
  /** Connections of others, refused in their TLS handshake. */
  readonly tls = { failures: 0 };
  /** Of each heartbeat that was overdue, by the id of the peer. */
  readonly missed: string[] = [];
  readonly clocks: { readonly uid: string; readonly wallMs: number; readonly agoMs: number }[] = [];
  readonly seen: Seen[] = [];
  /** Links that stand, by the uid of the peer. */
  readonly links = new Map<string, number>();
  readonly beats = new Map<string, { beat: Beat; count: number; atMs: number }>();
  /** Called for each message instead of writing it down. */
  onMessage: ((link: number, message: Message) => void) | null = null;

  static async create(
    owner: Owner,
    id: string,
    options: Partial<Omit<TransportOptions, 'self'>> & { uid?: string; port?: number; peer?: string } = {},
  ): Promise<Node> {
    const logged: Node['logged'] = [];
    const say = (fields: object, text: string): void =>
      void logged.push({ fields: fields as Record<string, unknown>, text });
    const log: WireLog = { info: say, warn: say, error: say };
    const counts = {
      missed: [] as string[],
      endings: [] as string[],
      roundTripsMs: [] as number[],
      traffic: { in: 0, out: 0 },
      tls: { failures: 0 },
    };
    const { uid, port, peer, ...rest } = options;
    const transport = await createTransport({
      cluster: 'test',
      self: { id, uid: uid ?? `uid-${id}`, peer: peer ?? ((taken) => `127.0.0.1:${taken}`) },
      listen: { host: '127.0.0.1', port: port ?? 0 },
      heartbeatMs: HEARTBEAT_MS,
      suspectMs: SUSPECT_MS,
      tls: null,
      log,
      metrics: {
        tlsFailed: () => {
          counts.tls.failures += 1;
        },
        beatsMissed: (peer, count) => void counts.missed.push(...Array<string>(count).fill(peer)),
        traffic: (_, direction, __, bytes) => {
          counts.traffic[direction] += bytes;
        },
        connected: () => {},
        disconnected: (_, reason) => void counts.endings.push(reason),
        roundTrip: (_, ms) => void counts.roundTripsMs.push(ms),
      },
      random: Math.random,
      ...rest,
    });
    owner.after(() => transport.close());
    return new Node(id, transport, logged, counts);
  }

  private constructor(
    id: string,
    transport: WireTransport,
    logged: Node['logged'],
    counts: Pick<Node, 'endings' | 'missed' | 'roundTripsMs' | 'traffic' | 'tls'>,
  ) {
    this.id = id;
    this.transport = transport;
    this.logged = logged;
    Object.assign(this, counts);
  }

  get address(): { id: string; peer: string } {
    return { id: this.id, peer: this.transport.address().peer };
  }

  start(...peers: readonly { id: string; peer: string }[]): this {
    this.transport.setPeers(peers);
    this.transport.start({
      connected: (link, peer) => {
        this.seen.push({ what: 'connected', link, peer });
        this.links.set(peer.uid, link);
      },
      disconnected: (link) => {
        this.seen.push({ what: 'disconnected', link });
        for (const [uid, number] of this.links) if (number === link) this.links.delete(uid);
      },
      message: (link, message) => {
        if (this.onMessage === null) this.seen.push({ what: 'message', link, message });
        else this.onMessage(link, message);
      },
      clock: (uid, wallMs, agoMs) => void this.clocks.push({ uid, wallMs, agoMs }),
      beat: (uid, beat) => {
        const count = (this.beats.get(uid)?.count ?? 0) + 1;
        this.beats.set(uid, { beat, count, atMs: performance.now() });
      },
    });
    return this;
  }

  to(peer: Node | string): number {
    const link = this.links.get(typeof peer === 'string' ? peer : `uid-${peer.id}`);
    if (link === undefined) throw new Error(`${this.id} has no link`);
    return link;
  }

  messages(): Message[] {
    return this.seen.flatMap((one) => (one.what === 'message' ? [one.message] : []));
  }

  count(what: Seen['what']): number {
    return this.seen.filter((one) => one.what === what).length;
  }
}

export const linked = (...nodes: readonly Node[]): Promise<void> =>
  until(`${nodes.map(({ id }) => id)} are linked`, () =>
    nodes.every((node) => nodes.every((other) => other === node || node.links.has(`uid-${other.id}`))),
  );

export const ack = (end: number): Message => ({
  type: 'ack',
  epoch: 1,
  stream: 1,
  position: { epoch: 1, end },
});

export const QUIET_BEAT: Beat = { promisedEpoch: 0, claim: null, established: false };
