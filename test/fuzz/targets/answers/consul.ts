// The election against a Consul that lies: each call ends with an answer of the right shape, or with an error of its kinds.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConsulCatalogEntry } from '../../../../src/election/catalog-entry.ts';
import { createConsulClient } from '../../../../src/election/consul-client.ts';
import { ConsulError, IdentityTaken, RegisterMalformed } from '../../../../src/election/errors.ts';
import { nodeEntry } from '../../../../src/election/identity.ts';
import { NodeClaim } from '../../../../src/election/node-claim.ts';
import { ConsulRegister } from '../../../../src/election/register.ts';
import { ConsulSessions } from '../../../../src/election/sessions.ts';
import type { RegisterSnapshot } from '../../../../src/election/types.ts';
import { type Rig, target } from '../../target.ts';
import { type Answer, Liar, type Lie, type Question } from './liar.ts';
import { lies } from './lies.ts';

const CALLS = ['read', 'take', 'update', 'watch', 'session', 'renew', 'claim', 'entry'] as const;
type CallName = (typeof CALLS)[number];

interface Case {
  readonly call: CallName;
  readonly lies: readonly Lie[];
}

const TIMEOUT_MS = 150;
/** A lying server must not make a loop spin: so many questions in this time are a loop that does. */
const WATCHED_MS = 60;
const QUESTIONS_MAX = 40;
const LEADER = { id: 'logger-0', incarnation: 'i', api: 'http://127.0.0.1:1', peer: '127.0.0.1:2' };
const VALUE = {
  epoch: 3,
  leader: LEADER,
  members: [{ id: 'logger-0', uid: 'u', peer: '127.0.0.1:2' }],
  membersVersion: { epoch: 2, revision: 1 },
  revision: 4,
};
const SEEN: RegisterSnapshot = { value: VALUE, index: 40, session: 'session-0' };
const OWN = { cluster: 'c', id: 'logger-0', uid: 'u', process: 'p', api: 'http://127.0.0.1:1' };
const KEY = 'distributed-logger/c/leader';
const PAIR = {
  Key: KEY,
  Value: Buffer.from(JSON.stringify(VALUE)).toString('base64'),
  ModifyIndex: 40,
  CreateIndex: 1,
  LockIndex: 1,
  Flags: 0,
  Session: 'session-0',
};
const SERVICE = {
  ID: 'distributed-logger',
  Service: 'distributed-logger',
  Tags: ['follower', 'c'],
  Address: 'a',
  Port: 1,
  Meta: {},
};

function good(head: Question): Answer {
  const headers = { 'content-type': 'application/json', 'x-consul-index': '40' };
  const answer = (body: unknown): Answer => ({ status: 200, headers, body });
  if (head.includes('/v1/kv/')) return answer([PAIR]);
  if (head.includes('/v1/txn'))
    return answer({ Results: [{ KV: { ...PAIR, ModifyIndex: 41 } }], Errors: null });
  if (head.includes('/session/create')) return answer({ ID: 'session-1' });
  if (head.includes('/session/renew')) return answer([{ ID: 'session-1', TTL: '10s' }]);
  if (head.includes('/catalog/node')) {
    const node = { ...nodeEntry(OWN, 12), Node: 'c-logger-0' };
    return answer({ Node: node, Services: { 'distributed-logger': SERVICE } });
  }
  return answer(true);
}

function assertSnapshot({ value, index, session }: RegisterSnapshot): void {
  assert.ok(Number.isSafeInteger(index) && index >= 0, `index ${index}`);
  assert.ok(session === null || typeof session === 'string');
  assert.equal(index === 0, value === null);
  if (value !== null) assert.ok(Number.isSafeInteger(value.epoch) && value.members.length > 0);
}

class Elections implements Rig<Case> {
  readonly #liar: Liar;

  constructor(liar: Liar) {
    this.#liar = liar;
  }

  async run({ call, lies: told }: Case): Promise<void> {
    this.#liar.lies = [...told];
    this.#liar.questions = 0;
    const consul = createConsulClient({ urls: [this.#liar.url], token: () => '', ca: () => undefined });
    const over = new AbortController();
    try {
      await this.#call(call, consul, over.signal);
    } catch (error) {
      const isKnown = [ConsulError, RegisterMalformed, IdentityTaken].some((kind) => error instanceof kind);
      if (!isKnown) throw error;
    } finally {
      over.abort();
      consul.close();
      this.#liar.breakAll();
    }
    assert.ok(this.#liar.questions <= QUESTIONS_MAX, `${this.#liar.questions} questions: a loop spins`);
  }

  async #call(
    call: CallName,
    consul: ReturnType<typeof createConsulClient>,
    signal: AbortSignal,
  ): Promise<void> {
    const register = new ConsulRegister(consul, 'c', TIMEOUT_MS);
    const claim = new NodeClaim({
      client: consul,
      own: OWN,
      timeoutMs: TIMEOUT_MS,
      answersAs: async () => false,
    });
    if (call === 'read') assertSnapshot(await register.read());
    else if (call === 'take' || call === 'update') {
      const outcome = await register[call](SEEN, VALUE, 'session-1');
      if (outcome.kind === 'done') assertSnapshot(outcome.snapshot);
      else if (outcome.kind === 'refused') assertSnapshot(outcome.now);
      else if (!(outcome.cause instanceof ConsulError || outcome.cause instanceof RegisterMalformed))
        throw outcome.cause;
    } else if (call === 'watch') {
      register.watch({ onChange: assertSnapshot, onReachable: () => {} }, signal);
      await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
    } else if (call === 'claim') await claim.verify();
    else if (call === 'entry') await this.#entry(consul, claim);
    else await this.#session(call, consul, claim);
  }

  async #entry(client: ReturnType<typeof createConsulClient>, claim: NodeClaim): Promise<void> {
    const warnings: string[] = [];
    const entry = new ConsulCatalogEntry({
      client,
      claim,
      own: OWN,
      warn: (message) => void warnings.push(message),
      onTaken: () => {},
    });
    entry.set('leader');
    await new Promise((resolve) => setTimeout(resolve, 15));
    await entry.remove();
    for (const warning of warnings)
      assert.doesNotMatch(
        warning,
        /undefined|is not a function|is not iterable|Cannot read/,
        'an answer was believed',
      );
  }

  async #session(
    call: CallName,
    client: ReturnType<typeof createConsulClient>,
    claim: NodeClaim,
  ): Promise<void> {
    if (call === 'renew') {
      const granted = await client.renewSession('session-1', {
        operation: 'session_renew',
        timeoutMs: TIMEOUT_MS,
      });
      assert.ok(granted === null || granted.ttlMs > 0);
      return;
    }
    const sessions = new ConsulSessions({ client, claim, ttlMs: 30, timeoutMs: TIMEOUT_MS, warn: () => {} });
    const session = await sessions.open();
    assert.ok(typeof session.id === 'string' && session.id !== '');
    await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
    await session.destroy();
  }

  close(): Promise<void> {
    return this.#liar.close();
  }
}

export const consul = target<Case>({
  name: 'consul',
  about: 'answers of Consul: register, sessions, catalog, transactions',
  shortCases: 80,
  cases: fc.record({ call: fc.constantFrom(...CALLS), lies }),
  open: async () => new Elections(await Liar.open(good)),
});
