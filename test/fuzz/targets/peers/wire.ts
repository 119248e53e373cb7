// A real transport on real sockets, whose owner can be exchanged between two cases: listening and the heartbeats' thread cost
// more than all else.
import { createTransport, type TlsMaterial, type WireTransport } from '../../../../src/replication/index.ts';
import type { Transport, TransportHandlers } from '../../../../src/replication/types.ts';
import { until } from '../../../support/until.ts';

export const SELF = { id: 'logger-0', uid: 'uid-0' };

export class Wire {
  readonly transport: WireTransport;
  /** Links that stand. */
  readonly #links = new Set<number>();
  owner: TransportHandlers | null = null;

  /** Connections whose TLS handshake failed. */
  tlsFailures = 0;

  static async open(tls: (() => TlsMaterial) | null = null): Promise<Wire> {
    const quiet = (): void => {};
    const box: { wire?: Wire } = {};
    const transport = await createTransport({
      cluster: 'fuzz',
      self: { ...SELF, peer: (port) => `127.0.0.1:${port}` },
      listen: { host: '127.0.0.1', port: 0 },
      heartbeatMs: 20,
      suspectMs: 2000,
      tls,
      log: { info: quiet, warn: quiet, error: quiet },
      metrics: {
        beatsMissed: quiet,
        traffic: quiet,
        connected: quiet,
        disconnected: quiet,
        roundTrip: quiet,
        tlsFailed: () => {
          if (box.wire) box.wire.tlsFailures += 1;
        },
      },
      random: Math.random,
    });
    box.wire = new Wire(transport);
    return box.wire;
  }

  private constructor(transport: WireTransport) {
    this.transport = transport;
    transport.start({
      connected: (link, ...rest) => {
        this.#links.add(link);
        this.owner?.connected(link, ...rest);
      },
      disconnected: (link) => {
        this.#links.delete(link);
        this.owner?.disconnected(link);
      },
      message: (link, message) => this.owner?.message(link, message),
      clock: (...read) => this.owner?.clock(...read),
      beat: (uid, beat) => this.owner?.beat(uid, beat),
    });
  }

  /** As a driver is given it. It dials nobody: the attacker dials. */
  get asTransport(): Transport {
    return {
      start: (handlers) => {
        this.owner = handlers;
      },
      setPeers: () => {},
      send: (link, message) => this.transport.send(link, message),
      setBeat: (beat) => this.transport.setBeat(beat),
      stepped: () => this.transport.stepped(),
      close: async () => {
        this.owner = null;
      },
    };
  }

  get links(): number {
    return this.#links.size;
  }

  quiet(): Promise<void> {
    return until('the attacker is gone', () => this.links === 0);
  }
}
