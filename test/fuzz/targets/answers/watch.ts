// The client's watch of the register against a Consul that lies: it tells a leader of the right shape, the true one where the
// body was left whole, or an error, and asks again; it neither ends nor spins.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RegisteredLeader, watchRegister } from '../../../../src/client/consul-watch.ts';
import { Http } from '../../../../src/client/http.ts';
import { accessOf } from '../../../../src/client/settings.ts';
import { until } from '../../../support/until.ts';
import { type Rig, target } from '../../target.ts';
import { type Answer, Liar, type Lie } from './liar.ts';
import { lies } from './lies.ts';

const LEADER: RegisteredLeader = { id: 'logger-0', api: 'http://127.0.0.1:1', epoch: 3, locked: true };
const PAIR = {
  Key: 'distributed-logger/c/leader',
  Value: Buffer.from(
    JSON.stringify({ epoch: 3, leader: { id: LEADER.id, api: LEADER.api }, members: [], revision: 1 }),
  ).toString('base64'),
  ModifyIndex: 40,
  Session: 'session-0',
};
/** A lying server must not make a loop spin: so many questions in this time are a loop that does. */
const WATCHED_MS = 60;
const QUESTIONS_MAX = 40;

/** Does no harm to what the answer says. */
const isWhole = ({ json, bytes, status, header }: Lie): boolean =>
  json.length + bytes.length === 0 && status === null && header === null;

class Watches implements Rig<readonly Lie[]> {
  readonly #liar: Liar;

  constructor(liar: Liar) {
    this.#liar = liar;
  }

  async run(told: readonly Lie[]): Promise<void> {
    this.#liar.lies = [...told];
    this.#liar.questions = 0;
    const http = new Http(1000);
    const over = new AbortController();
    const seen: (RegisteredLeader | null)[] = [];
    let errors = 0;
    const watching = watchRegister(
      http,
      { urls: [this.#liar.url], cluster: 'c', ...accessOf({}) },
      {
        onLeader: (leader) => void seen.push(leader),
        onError: (detail) => {
          errors += 1;
          assert.doesNotMatch(
            detail,
            /Cannot read|is not (a function|iterable)|undefined/,
            'an answer was believed',
          );
        },
      },
      over.signal,
    );
    try {
      // A silence has a deadline far away, and a question that waits is what a watch is for.
      if (told.some(({ end }) => end === 'silence' || end === 'keep')) await sleep(WATCHED_MS);
      else await until('something was told', () => seen.length + errors > 0);
      assert.ok(this.#liar.questions <= QUESTIONS_MAX, `${this.#liar.questions} questions: a loop spins`);
      for (const leader of seen) assertLeader(leader);
      if (told.every(isWhole)) for (const leader of seen) assert.deepEqual(leader, LEADER);
    } finally {
      over.abort();
      await watching;
      await http.close();
      this.#liar.breakAll();
    }
  }

  close(): Promise<void> {
    return this.#liar.close();
  }
}

function assertLeader(leader: RegisteredLeader | null): void {
  if (leader === null) return;
  const { id, api, epoch, locked } = leader;
  assert.equal(typeof id, 'string');
  assert.ok(/^https?:$/.test(new URL(api).protocol), api);
  assert.ok(Number.isSafeInteger(epoch) && epoch >= 0, `epoch ${epoch}`);
  assert.equal(typeof locked, 'boolean');
}

const good = (): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'x-consul-index': '40' },
  body: [PAIR],
});

export const watch = target<readonly Lie[]>({
  name: 'watch',
  about: 'answers of Consul to the client library, which watches the register',
  shortCases: 60,
  cases: lies,
  open: async () => new Watches(await Liar.open(good)),
});
