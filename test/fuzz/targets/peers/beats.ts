// The heartbeats' own listener, which lives on a thread: whatever it is sent, it goes on to pass the beats of others.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { until } from '../../../support/until.ts';
import { type Rig, target } from '../../target.ts';
import { damageSteps, type Step, type StepDamage, stepDamage } from './frames.ts';
import { Attacker, hello } from './speak.ts';
import { Wire } from './wire.ts';

interface Case {
  readonly damages: readonly StepDamage[];
  readonly pieceBytes: number;
}

const beat = (promisedEpoch: number, echoMs: number | null = null): Step => ({
  header: {
    type: 'beat',
    beat: { promisedEpoch, claim: { epoch: 1, incarnation: 'i' }, established: true },
    echoMs,
  },
  ...(echoMs !== null && { answer: 'echo' }),
});

const STEPS: readonly Step[] = [
  { header: hello({ kind: 'beat' }), answer: 'welcome' },
  beat(1),
  beat(1, 5.5),
  beat(2),
  beat(2),
];

class Beats implements Rig<Case> {
  readonly #wire: Wire;
  /** By uid: the promised epoch of the latest beat. */
  readonly #heard = new Map<string, number>();
  #number = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.owner = {
      connected: () => {},
      disconnected: () => {},
      message: () => assert.fail('a heartbeat is no message'),
      clock: () => assert.fail('nobody is linked, nor dialled'),
      beat: (uid, { promisedEpoch, claim, established, ...more }) => {
        if (Object.keys(more).length > 0) throw new Error('a beat with more in it than a beat has');
        assert.equal(typeof established, 'boolean');
        assert.ok(claim === null || claim.epoch > 0);
        this.#heard.set(uid, promisedEpoch);
      },
    };
  }

  async run({ damages, pieceBytes }: Case): Promise<void> {
    const attacker = await this.#speak(damageSteps(STEPS, damages), pieceBytes);
    this.#number += 1;
    const good = [
      { header: hello({ kind: 'beat', id: 'logger-3', uid: 'uid-7' }) },
      beat(this.#number + 1000),
    ];
    const honest = await this.#speak(damageSteps(good, []), 0);
    try {
      await until('an honest beat arrives', () => this.#heard.get('uid-7') === this.#number + 1000);
    } finally {
      await attacker.end();
      await honest.end();
    }
  }

  async #speak(parts: Parameters<Attacker['say']>[0], pieceBytes: number): Promise<Attacker> {
    const attacker = new Attacker(this.#wire.transport.address().beatPort);
    await attacker.say(parts, pieceBytes);
    return attacker;
  }

  close(): Promise<void> {
    return this.#wire.transport.close();
  }
}

export const beats = target<Case>({
  name: 'beats',
  about: 'heartbeats, on the port and thread of their own',
  shortCases: 50,
  cases: fc.record({
    damages: fc.array(stepDamage, { maxLength: 3 }),
    pieceBytes: fc.constantFrom(0, 0, 0, 1, 7),
  }),
  open: async () => new Beats(await Wire.open()),
});
