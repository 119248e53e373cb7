// The TLS listeners of a logger: of its API, of its links with other loggers, of their heartbeats. What comes is no TLS, or TLS
// whose bytes are damaged, cut or left out at any point of the handshake. Each connection ends, by itself and in time; one that
// never came to be is counted; an honest one is served afterwards.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { until } from '../../../support/until.ts';
import { byteDamage } from '../../mutate.ts';
import { type Rig, target } from '../../target.ts';
import { type Intruder, intrude } from './intruder.ts';
import { Listeners, NAMES } from './listeners.ts';

/** A client that vanishes before its connection was accepted was never seen. */
const mayBeUnseen = ({ next }: Intruder): boolean => next === 'reset';

class Tls implements Rig<readonly Intruder[]> {
  readonly #listeners: Listeners;

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
  }

  async run(intruders: readonly Intruder[]): Promise<void> {
    const before = this.#listeners.failures();
    const ends = await Promise.all(intruders.map((one) => intrude(one, this.#listeners)));
    await until('nobody is connected', () => this.#listeners.connections === 0);
    for (const kind of ['api', 'peer'] as const) {
      const mine = intruders.flatMap((one, at) =>
        (one.listener === 'api') === (kind === 'api')
          ? [{ one, end: ends[at] as (typeof ends)[number] }]
          : [],
      );
      // Of those that the client saw succeed the server may think otherwise: it judges last.
      const sure = mine.filter(({ one, end }) => !end.greeted && !mayBeUnseen(one)).length;
      const counted = (): number => this.#listeners.failures()[kind] - before[kind];
      await until(`${sure} failed handshakes of ${kind} are counted`, () => counted() >= sure);
      assert.ok(counted() <= mine.length, `${counted()} failures of ${mine.length} connections`);
    }
    for (const [at, { answer }] of ends.entries())
      if (answer !== '') assert.match(answer, /^HTTP\/1\.1 (200|400|408) /, JSON.stringify(intruders[at]));
    assert.equal(this.#listeners.links, 0, 'somebody without a hello has become a peer');
    for (const name of NAMES) await this.#listeners.honest(name);
  }

  async close(): Promise<void> {
    await this.#listeners.close();
    // The thread of the heartbeats ends a moment later.
    await sleep(0);
  }
}

const intruder: fc.Arbitrary<Intruder> = fc.record({
  listener: fc.constantFrom('api', 'api', 'peer', 'beat'),
  speaks: fc.constantFrom('tls', 'tls', 'tls', 'tls', 'http', 'bytes', 'nothing'),
  shown: fc.constantFrom('good', 'good', 'foreign', 'none'),
  bytes: fc.uint8Array({ maxLength: 600 }),
  at: fc.nat({ max: 3 }),
  damages: fc.array(byteDamage, { maxLength: 2 }),
  // Waiting for what never comes costs the whole time of a handshake.
  next: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('go-on', 'half-close', 'reset') },
    { weight: 1, arbitrary: fc.constantFrom('stop', 'drip') },
  ),
});

export const tls = target<readonly Intruder[]>({
  name: 'tls',
  about: 'connections to the TLS ports of API and peers: no TLS, damaged and cut handshakes, eight at once',
  shortCases: 25,
  cases: fc.array(intruder, { minLength: 1, maxLength: 8 }),
  open: async () => new Tls(await Listeners.open()),
});
