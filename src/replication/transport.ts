// The wire: links between loggers over TCP or TLS, as the Transport that the driver knows. Data links live here, on the main
// thread; heartbeats have a thread of their own (heartbeats.ts). docs/internals/wire.md tells the whole story.
import type { Socket } from 'node:net';
import { SEND_BUFFER_BYTES_MAX } from '../limits.ts';
import type { Beat, Message } from '../replica/types.ts';
import { Channel, type Ending } from './channel.ts';
import { dial, parseHostPort, type TlsMaterial } from './dial.ts';
import { encodeFrame, type Frame, MalformedFrame } from './frames.ts';
import { shakeHands } from './handshake.ts';
import { Heartbeats } from './heartbeats.ts';
import { type Hello, MAGIC, type OwnHello, REFUSALS, type Refusal, refusalOf, VERSION } from './hello.ts';
import {
  FLUSH_TIMEOUT_MS,
  HANDSHAKE_TIMEOUT_MS,
  KEEPALIVE_MS,
  LINK_SILENCE_MS,
  LIVENESS_CHECK_MS,
  PAUSE_MS,
} from './limits.ts';
import { Link, Links } from './links.ts';
import { type Listener, listen, REFUSED_TLS } from './listener.ts';
import { decodeMessage, encodeMessage } from './messages.ts';
import type { WireMetrics } from './metrics.ts';
import { QuietLog, type WireLog } from './quiet-log.ts';
import type { Redial } from './redial.ts';
import { Targets } from './targets.ts';
import type { PeerAddress, Transport, TransportHandlers } from './types.ts';

const KEEPALIVE = { type: 'keepalive' } as const;
const KEEPALIVE_FRAME = Buffer.concat(encodeFrame(KEEPALIVE));

export interface TransportOptions {
  readonly cluster: string;
  /** `peer` is told to others as host:port of the listener; a function makes it from the port that was taken. */
  readonly self: {
    readonly id: string;
    readonly uid: string;
    readonly peer: string | ((port: number) => string);
    /** Base URL of the HTTP API, for the others to pass on. */
    readonly api?: string;
  };
  /** Port 0 takes a free one. `beatPort` is that of the heartbeats' listener; others learn it from our hello. */
  readonly listen: { readonly host: string; readonly port: number; readonly beatPort?: number };
  readonly heartbeatMs: number;
  readonly suspectMs: number;
  /** Asked for each connection, so that certificates can be renewed; returns the same object while they are the same. */
  readonly tls: (() => TlsMaterial) | null;
  readonly log: WireLog;
  readonly metrics: WireMetrics;
  /** Evenly from [0, 1). */
  readonly random: () => number;
  /** Unsent bytes at which a link is given up; for tests. */
  readonly sendBufferBytesMax?: number;
}

export interface WireTransport extends Transport {
  /** Where it listens: the ports taken, and the address that others are told. */
  address(): { readonly port: number; readonly beatPort: number; readonly peer: string };
}

/** Listens; rejects when it cannot. Connections are made and accepted from `start` on. */
export async function createTransport(options: TransportOptions): Promise<WireTransport> {
  const wire = new Wire(options);
  await wire.listen();
  return wire;
}

class Wire implements WireTransport {
  readonly #options: TransportOptions;
  readonly #log: QuietLog;
  readonly #links = new Links();
  /** Every open channel, with a link or still in its handshake. */
  readonly #channels = new Set<Channel>();
  readonly #boot: string;
  readonly #targets: Targets;
  #handlers: TransportHandlers | null = null;
  #closed = false;
  #listener: Listener | null = null;
  #heartbeats: Heartbeats | null = null;
  #own: OwnHello | null = null;
  #checkedMs = performance.now();

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#log = new QuietLog(options.log);
    this.#targets = new Targets((...attempt) => this.#dial(...attempt), options.random);
    this.#boot = `${process.pid}-${Math.floor(options.random() * Number.MAX_SAFE_INTEGER).toString(36)}`;
  }

  async listen(): Promise<void> {
    const { listen: at, self, tls, cluster } = this.#options;
    const listener = await listen({
      host: at.host,
      port: at.port,
      tls,
      accept: (socket) => this.#accept(socket),
      failed: (remote, error) =>
        this.#log.warn(remote, { remote, error: error.message }, 'a connection could not be accepted'),
      refused: (remote, problem) => {
        this.#options.metrics.tlsFailed();
        this.#log.warn(remote, { remote, problem }, REFUSED_TLS);
      },
    });
    this.#listener = listener;
    const peer = typeof self.peer === 'string' ? self.peer : self.peer(listener.port);
    if (parseHostPort(peer) === null) {
      await listener.close();
      throw new RangeError(`the own address ${peer} is not host:port`);
    }
    const own = {
      type: 'hello',
      magic: MAGIC,
      version: VERSION,
      cluster,
      id: self.id,
      uid: self.uid,
    } as const;
    try {
      this.#heartbeats = await Heartbeats.start({
        hello: { ...own, peer, boot: this.#boot },
        listen: { host: at.host, port: at.beatPort ?? 0 },
        heartbeatMs: this.#options.heartbeatMs,
        suspectMs: this.#options.suspectMs,
        tls,
        log: this.#options.log,
        metrics: this.#options.metrics,
        received: (uid, beat) => this.#handlers?.beat(uid, beat),
        clock: (...read) => this.#handlers?.clock(...read),
        turned: () => this.#checkLiveness(),
      });
    } catch (error) {
      await listener.close();
      throw error;
    }
    const { api } = self;
    this.#own = {
      ...own,
      peer,
      boot: this.#boot,
      beatPort: this.#heartbeats.port,
      ...(api !== undefined && { api }),
    };
  }

  address(): { port: number; beatPort: number; peer: string } {
    if (this.#listener === null || this.#own === null) throw new Error('the transport does not listen yet');
    return { port: this.#listener.port, beatPort: this.#own.beatPort, peer: this.#own.peer };
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== null || this.#closed) throw new Error('a transport is started once');
    this.#handlers = handlers;
    this.#checkedMs = performance.now();
    this.#targets.start();
  }

  setPeers(peers: readonly PeerAddress[]): void {
    if (this.#closed) return;
    this.#targets.set(peers.filter(({ id, peer }) => !this.#isOwn(id, peer)));
  }

  #isOwn(id: string, peer: string): boolean {
    return id === this.#options.self.id || peer === this.#own?.peer;
  }

  send(number: number, message: Message): void {
    const link = this.#links.get(number);
    if (link === undefined) return;
    const { header, payload, payloadCrc } = encodeMessage(message);
    link.channel.send(header, payload, payloadCrc);
  }

  setBeat(beat: Beat): void {
    this.#heartbeats?.set(beat);
  }

  stepped(): void {
    this.#heartbeats?.stepped();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers = null;
    this.#targets.stop();
    await Promise.all([
      this.#listener?.close(),
      this.#heartbeats?.close(),
      ...[...this.#channels].map((channel) => channel.finish(FLUSH_TIMEOUT_MS)),
    ]);
  }

  // -------------------------------------------------------------------------------------------------------------
  // Coming to be

  #dial({ id, peer }: PeerAddress, redial: Redial, signal: AbortSignal): void {
    if (this.#links.ofId(id) !== undefined) {
      redial.stands();
      return;
    }
    const failed = (error: Error): void => {
      redial.failed();
      if (!signal.aborted && !this.#closed)
        this.#log.warn(peer, { peer: id, address: peer, error: error.message }, 'cannot reach a logger');
    };
    const address = parseHostPort(peer);
    if (address === null) {
      failed(new Error('the address is not host:port'));
      return;
    }
    dial(address, this.#options.tls?.() ?? null, signal).then((socket) => {
      if (this.#closed) socket.destroy();
      else this.#shake(socket, id, redial);
    }, failed);
  }

  #accept(socket: Socket): void {
    // Before `start` there is nobody to tell; the dialling side tries again within a second.
    if (this.#handlers === null) socket.destroy();
    else this.#shake(socket, null, null);
  }

  #shake(socket: Socket, dialled: string | null, redial: Redial | null): void {
    const own = this.#own!;
    const max = this.#options.sendBufferBytesMax ?? SEND_BUFFER_BYTES_MAX;
    const channel = new Channel(socket, max);
    this.#channels.add(channel);
    socket.once('close', () => this.#channels.delete(channel));
    let told = false;
    channel.ended = (ending) => {
      redial?.failed();
      if (!told) this.#failedHandshake(channel, dialled, ending);
    };
    const decides = (theirs: Hello): boolean => own.uid < theirs.uid;
    shakeHands(channel, {
      own,
      kind: 'data',
      dialled,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      decides,
      judge: (theirs) => {
        const refusal = refusalOf(own, theirs, 'data') ?? this.#links.conflict(theirs);
        if (refusal !== null || !decides(theirs)) return refusal;
        return this.#links.duplicate(theirs, dialled !== null, performance.now()) ? 'duplicate' : null;
      },
      refused: (refusal, theirs) => {
        told = true;
        this.#refused(refusal, theirs, channel);
      },
      stands: (theirs) => {
        redial?.stands();
        this.#stands(channel, theirs);
      },
    });
  }

  #refused(refusal: Refusal, { id, uid, cluster }: Hello, { remote }: Channel): void {
    if (refusal === 'duplicate') return;
    const text = `refused a connection: ${REFUSALS[refusal]}`;
    this.#log.warn(remote.replace(/:\d+$/, ''), { peer: id, uid, cluster, remote, refusal }, text);
  }

  #failedHandshake({ remote }: Channel, dialled: string | null, { reason, detail }: Ending): void {
    if (this.#closed || reason === 'duplicate') return;
    const about = dialled ?? remote.replace(/:\d+$/, '');
    this.#log.warn(about, { peer: dialled, remote, reason, detail }, 'a connection ended in its handshake');
  }

  #stands(channel: Channel, theirs: Hello): void {
    // Asked again, since the welcome may have come after another link.
    const conflict = this.#links.conflict(theirs);
    if (conflict !== null) {
      this.#refused(conflict, theirs, channel);
      channel.refuse(conflict);
      return;
    }
    const present = this.#links.ofUid(theirs.uid);
    if (present !== undefined) {
      present.channel.close('replaced', 'another connection to the same logger took its place');
      this.#forget(present, { reason: 'replaced', detail: 'another connection took its place' });
    }
    const link = new Link(channel, theirs);
    this.#links.add(link);
    channel.trust();
    channel.skim = (chunk) => chunk.length === KEEPALIVE_FRAME.length && chunk.equals(KEEPALIVE_FRAME);
    channel.receive = (frame) => this.#receive(link, frame);
    channel.ended = (ending) => this.#gone(link, ending);
    const { metrics } = this.#options;
    channel.count = (direction, frames, bytes) => metrics.traffic(link.peer.id, direction, frames, bytes);
    metrics.connected(link.peer.id);
    this.#log.info({ peer: link.peer, link: link.number, remote: channel.remote }, 'connected to a logger');
    this.#tellBeatTargets();
    this.#handlers?.connected(link.number, link.peer, link.api);
    if (theirs.wallMs !== undefined) this.#handlers?.clock(theirs.uid, theirs.wallMs, 0);
  }

  // -------------------------------------------------------------------------------------------------------------
  // Standing, and ending

  #receive(link: Link, { header, payload }: Frame): void {
    if ((header as { type?: unknown } | null)?.type === KEEPALIVE.type) {
      if (payload.length > 0) throw new MalformedFrame('a keepalive with payload');
      return;
    }
    this.#handlers?.message(link.number, decodeMessage(header, payload));
  }

  #gone(link: Link, ending: Ending): void {
    if (!this.#forget(link, ending)) return;
    this.#tellBeatTargets();
    this.#targets.lost(link.peer.id, performance.now() - link.sinceMs);
  }

  /** Tells that a link is gone; false when that was told before. */
  #forget(link: Link, { reason, detail }: Ending): boolean {
    if (!this.#links.delete(link) || this.#closed) return false;
    this.#options.metrics.disconnected(link.peer.id, reason);
    this.#log.info({ peer: link.peer, link: link.number, reason, detail }, 'a connection to a logger ended');
    this.#handlers?.disconnected(link.number);
    return true;
  }

  #tellBeatTargets(): void {
    const targets = [...this.#links.all].map(({ peer, beatPort }) => ({ ...peer, beatPort }));
    this.#heartbeats?.setTargets(targets);
  }

  /** Now and then: keeps silent links alive and ends dead ones. Our own pause is not the others' silence: after one all start anew. */
  #checkLiveness(): void {
    const nowMs = performance.now();
    if (this.#handlers === null || nowMs - this.#checkedMs < LIVENESS_CHECK_MS) return;
    const paused = nowMs - this.#checkedMs > LIVENESS_CHECK_MS + PAUSE_MS;
    this.#checkedMs = nowMs;
    for (const { channel } of this.#links.all) {
      if (paused) channel.heardMs = nowMs;
      if (nowMs - channel.heardMs > LINK_SILENCE_MS)
        channel.close('silent', `nothing was heard for ${LINK_SILENCE_MS} ms`);
      else if (nowMs - channel.spokeMs >= KEEPALIVE_MS && channel.socket.writableLength === 0)
        channel.sendEncoded(KEEPALIVE_FRAME);
    }
    this.#heartbeats?.renewTls();
  }
}
