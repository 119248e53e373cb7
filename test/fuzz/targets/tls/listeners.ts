// The listeners under attack, each the real one with certificates of an authority made for the run.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { type RunningApi, startApi } from '../../../support/api.ts';
import { Authority, type Pair } from '../../../support/authority.ts';
import { frameOf } from '../peers/frames.ts';
import { Attacker, hello } from '../peers/speak.ts';
import { Wire } from '../peers/wire.ts';

export const NAMES = ['api', 'peer', 'beat'] as const;
export type ListenerName = (typeof NAMES)[number];

const BOUNDS = {
  tlsHandshakeTimeoutMs: 200,
  headersTimeoutMs: 200,
  requestTimeoutMs: 200,
  stallTimeoutMs: 1000,
  lingerMs: 50,
};

interface Certificates {
  readonly good: Pair;
  readonly foreign: Pair;
}

export class Listeners {
  readonly #api: RunningApi;
  readonly #wire: Wire;
  readonly #certificates: Certificates;
  readonly #ca: string;
  readonly #ends: (() => Promise<void>)[];

  static async open(): Promise<Listeners> {
    const [ours, theirs] = [await Authority.make('ours'), await Authority.make('theirs')];
    const good = await ours.certificate('logger');
    const ends: (() => Promise<void>)[] = [];
    const owner = { after: (end: () => Promise<void>) => void ends.push(end) };
    const api = await startApi(owner, { tls: () => good, bounds: BOUNDS });
    const material = { ...good, ca: ours.ca };
    const wire = await Wire.open(() => material);
    ends.push(() => wire.transport.close());
    return new Listeners(api, wire, { good, foreign: await theirs.certificate('foreigner') }, ours.ca, ends);
  }

  private constructor(
    api: RunningApi,
    wire: Wire,
    certificates: Certificates,
    ca: string,
    ends: (() => Promise<void>)[],
  ) {
    this.#api = api;
    this.#wire = wire;
    this.#certificates = certificates;
    this.#ca = ca;
    this.#ends = ends;
  }

  port(name: ListenerName): number {
    if (name === 'api') return this.#api.port;
    const { port, beatPort } = this.#wire.transport.address();
    return name === 'peer' ? port : beatPort;
  }

  /** What a client brings along. */
  shown(which: 'good' | 'foreign' | 'none'): { ca: string } & Partial<Pair> {
    return { ca: this.#ca, ...(which !== 'none' && this.#certificates[which]) };
  }

  /** Connections whose handshake failed. */
  failures(): { readonly api: number; readonly peer: number } {
    return { api: this.#api.tlsFailures(), peer: this.#wire.tlsFailures };
  }

  get connections(): number {
    return this.#api.api.connections;
  }

  get links(): number {
    return this.#wire.links;
  }

  async honest(name: ListenerName): Promise<void> {
    if (name === 'api') {
      const asked = get(`https://127.0.0.1:${this.#api.port}/livez`, { ca: this.#ca, agent: false });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      assert.equal(response.statusCode, 200);
      await once(response, 'close');
      return;
    }
    const socket = connectTls({ port: this.port(name), host: '127.0.0.1', ...this.shown('good') });
    const peer = new Attacker(socket, false);
    try {
      await peer.say(
        [
          {
            bytes: frameOf(hello({ kind: name === 'beat' ? 'beat' : 'data' })),
            answer: 'welcome',
            reset: false,
          },
        ],
        0,
      );
      assert.ok(peer.heard.includes('welcome'), `${name} does not welcome an honest logger`);
    } finally {
      await peer.end();
      await this.#wire.quiet();
    }
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end();
  }
}
