import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createConsulClient } from '../../../src/election/consul-client.ts';
import { ConsulError, RegisterMalformed } from '../../../src/election/errors.ts';
import { ConsulRegister } from '../../../src/election/register.ts';
import type { RegisterSnapshot, RegisterValue, WriteOutcome } from '../../../src/election/types.ts';
import { deadUrl, type Script, type ScriptedAnswer, scriptedServer } from './scripted-server.ts';
import { base64, OPEN, registerValue } from './values.ts';

const key = 'distributed-logger/test/leader';
/** For servers that answer; a test about silence waits out `shortMs` and still leaves the next server that long. */
const timeoutMs = 10_000;
const shortMs = 1000;

async function setUp(t: TestContext, ...scripts: Script[]) {
  const servers = await Promise.all(scripts.map((script) => scriptedServer(t, script)));
  const client = createConsulClient({ urls: servers.map(({ url }) => url), ...OPEN });
  t.after(() => client.close());
  return { register: new ConsulRegister(client, 'test', timeoutMs), servers };
}

const holding = (value: unknown, ModifyIndex: number, Session?: string): ScriptedAnswer => ({
  status: 200,
  json: [{ Key: key, Value: base64(value), ModifyIndex, Session }],
  index: ModifyIndex,
});
const refusing = (...errors: [number, string][]): ScriptedAnswer => ({
  status: 409,
  json: { Results: null, Errors: errors.map(([OpIndex, What]) => ({ OpIndex, What })) },
});
const moved = refusing([0, `failed index check for key "${key}", current modify index 8 != 7`]);
const committing = (ModifyIndex: number): ScriptedAnswer => ({
  status: 200,
  json: { Results: [{ KV: { ModifyIndex } }], Errors: null },
});
/** Answers a transaction with the one, a read with the other. */
const answering =
  (transaction: ScriptedAnswer, read: ScriptedAnswer): Script =>
  ({ path }) =>
    path === '/txn' ? transaction : read;

const next = registerValue({ epoch: 2, revision: 2 });
const seen: RegisterSnapshot = { value: registerValue(), index: 7, session: 'old' };
const free: RegisterSnapshot = { ...seen, session: null };
const absent: RegisterSnapshot = { value: null, index: 0, session: null };

const refused = (outcome: WriteOutcome) => (outcome.kind === 'refused' ? outcome.reason : outcome.kind);

describe('writing the register', () => {
  it('takes it in one transaction: check, unlock of the old holder, lock with the value', async (t) => {
    const { register, servers } = await setUp(t, () => committing(9));
    const outcome = await register.take(seen, next, 'mine');
    assert.deepEqual(outcome, { kind: 'done', snapshot: { value: next, index: 9, session: 'mine' } });
    await register.take(free, next, 'mine');
    await register.take(absent, next, 'mine');
    const Value = base64(next);
    const check = { Verb: 'check-index', Key: key, Index: 7 };
    const lock = { Verb: 'lock', Key: key, Value, Session: 'mine' };
    assert.deepEqual(
      servers[0]?.requests.map(({ body }) => body),
      [
        [check, { Verb: 'unlock', Key: key, Value, Session: 'old' }, lock],
        [check, lock],
        [{ Verb: 'check-not-exists', Key: key }, lock],
      ].map((operations) => operations.map((KV) => ({ KV }))),
    );
  });

  it('does not know how a write ended that is answered without an index', async (t) => {
    for (const json of [
      { Results: [] },
      { Results: [{ KV: {} }] },
      { Results: [null] },
      { Results: [{ KV: null }] },
    ]) {
      const { register } = await setUp(t, () => ({ status: 200, json }));
      const outcome = await register.take(seen, next, 'mine');
      assert.equal(outcome.kind, 'unknown');
      assert.ok(
        outcome.kind === 'unknown' && outcome.cause instanceof ConsulError && outcome.cause.maybeDone,
      );
    }
  });

  it('updates under the same lock, and releases with the value kept', async (t) => {
    const { register, servers } = await setUp(t, () => committing(9));
    const held = { ...seen, session: 'mine' };
    assert.equal((await register.update(held, next, 'mine')).kind, 'done');
    assert.deepEqual(await register.release(held, 'mine'), {
      kind: 'done',
      snapshot: { value: held.value, index: 9, session: null },
    });
    const verbs = servers[0]?.requests.map(({ body }) =>
      (body as { KV: { Verb: string } }[]).map(({ KV }) => KV.Verb),
    );
    assert.deepEqual(verbs, [
      ['check-index', 'check-session', 'lock'],
      ['check-index', 'unlock'],
    ]);
    await assert.rejects(register.release(absent, 'mine'), RangeError);
  });

  it('says why it was refused and what stands there now', async (t) => {
    const now = holding(next, 8, 'other');
    const invalid = refusing([2, 'invalid session "mine"']);
    const cases: [ScriptedAnswer, string][] = [
      [moved, 'index-moved'],
      [refusing([0, `key "${key}" exists`]), 'index-moved'],
      [refusing([0, `failed to check index, key "${key}" doesn't exist`]), 'index-moved'],
      [
        refusing([0, 'failed index check'], [1, "failed to unlock, lock isn't held"], [2, 'invalid session']),
        'index-moved',
      ],
      [invalid, 'session-invalid'],
      [refusing([2, 'failed session lookup: index error: UUID must be 36 characters']), 'session-invalid'],
      [refusing([1, "failed to unlock key, lock isn't held, or is held by another session"]), 'lock-held'],
      [refusing([2, 'failed to lock key, lock is already held']), 'lock-held'],
    ];
    for (const [answer, reason] of cases) {
      const { register } = await setUp(t, answering(answer, now));
      const outcome = await register.take(seen, next, 'mine');
      assert.equal(refused(outcome), reason);
      assert.ok(outcome.kind === 'refused');
      assert.deepEqual(outcome.now, { value: next, index: 8, session: 'other' });
    }
  });

  it('never calls a failure refused that it does not understand, or whose state it cannot read', async (t) => {
    const denied = await setUp(t, answering(refusing([2, 'Permission denied']), holding(next, 8)));
    const outcome = await denied.register.take(seen, next, 'mine');
    assert.ok(outcome.kind === 'unknown');
    assert.match(outcome.cause.message, /Permission denied/);
    const blind = await setUp(t, answering(moved, 'drop'));
    assert.equal((await blind.register.take(seen, next, 'mine')).kind, 'unknown');
  });

  it('rejects a value that nobody could read back, before anything is sent', async (t) => {
    const { register, servers } = await setUp(t, () => committing(9));
    await assert.rejects(register.take(seen, registerValue({ epoch: 0 }), 'mine'), RangeError);
    await assert.rejects(register.update(seen, registerValue({ members: [] }), 'mine'), RangeError);
    assert.equal(servers[0]?.requests.length, 0);
  });
});

describe('an answer that got lost', { concurrency: true }, () => {
  const mine = holding(next, 8, 'mine');

  it('is unknown when no other server answers', async (t) => {
    for (const lost of ['hang', 'drop', 'half'] as const) {
      const { register } = await setUp(t, answering(lost, mine));
      const outcome = await register.take(seen, next, 'mine', { timeoutMs: shortMs });
      assert.ok(outcome.kind === 'unknown', `${lost}: ${outcome.kind}`);
      assert.ok(outcome.cause instanceof ConsulError && outcome.cause.maybeDone);
    }
  });

  it('tells by its cause when nothing can have been done', async (t) => {
    const client = createConsulClient({ urls: [await deadUrl()], ...OPEN });
    t.after(() => client.close());
    const outcome = await new ConsulRegister(client, 'test', timeoutMs).take(seen, next, 'mine');
    assert.ok(outcome.kind === 'unknown');
    assert.ok(outcome.cause instanceof ConsulError && !outcome.cause.maybeDone);
  });

  it('is settled by the next server: the repeat is refused because the first was done', async (t) => {
    const { register } = await setUp(t, () => 'hang', answering(moved, mine));
    const outcome = await register.take(seen, next, 'mine', { timeoutMs: shortMs });
    assert.deepEqual(outcome, { kind: 'done', snapshot: { value: next, index: 8, session: 'mine' } });
  });

  it('is settled by the next server: the repeat was done, so the first never can be', async (t) => {
    const { register } = await setUp(
      t,
      () => 'hang',
      () => committing(9),
    );
    assert.equal((await register.take(seen, next, 'mine', { timeoutMs: shortMs })).kind, 'done');
  });

  it('stays unknown when the register holds something else meanwhile', async (t) => {
    const others: RegisterValue[] = [
      registerValue({ epoch: 3, revision: 3, leader: { ...next.leader, incarnation: 'another' } }),
      registerValue({ epoch: 2, revision: 3 }),
    ];
    for (const other of others) {
      const { register } = await setUp(t, () => 'hang', answering(moved, holding(other, 9, 'mine')));
      assert.equal((await register.take(seen, next, 'mine', { timeoutMs: shortMs })).kind, 'unknown');
    }
    const lockGone = await setUp(t, () => 'hang', answering(moved, holding(next, 9)));
    assert.equal((await lockGone.register.take(seen, next, 'mine', { timeoutMs: shortMs })).kind, 'unknown');
  });

  it('is refused all the same when the session cannot come back to life', async (t) => {
    const invalid = answering(refusing([2, 'invalid session "mine"']), holding(registerValue(), 7, 'old'));
    const { register } = await setUp(t, () => 'hang', invalid);
    assert.equal(refused(await register.take(seen, next, 'mine', { timeoutMs: shortMs })), 'session-invalid');
  });
});

describe('reading the register', () => {
  it('tells an absent key from a free one and a held one', async (t) => {
    const { register, servers } = await setUp(t, () => ({ status: 404, index: 3 }));
    assert.deepEqual(await register.read(), absent);
    const [server] = servers;
    assert.ok(server);
    server.script = () => holding(next, 8);
    assert.deepEqual(await register.read(), { value: next, index: 8, session: null });
    server.script = () => holding(next, 8, 'mine');
    assert.deepEqual(await register.read(), { value: next, index: 8, session: 'mine' });
  });

  it('never takes what no logger wrote for absent', async (t) => {
    const { register, servers } = await setUp(t, () => holding('{"epoch":1', 8));
    await assert.rejects(register.read(), (error: RegisterMalformed) => {
      assert.ok(error instanceof RegisterMalformed);
      assert.deepEqual([error.key, error.index], [key, 8]);
      assert.match(error.message, /is not a register: it is not JSON/);
      return true;
    });
    const [server] = servers;
    assert.ok(server);
    assert.match(register.problem?.message ?? '', /it is not JSON/);
    server.script = () => holding('', 8);
    await assert.rejects(register.read(), RegisterMalformed);
    // For as long as it lasts, and no longer.
    server.script = () => holding(registerValue(), 9);
    await register.read();
    assert.equal(register.problem, null);
  });

  it('rejects at its deadline', async (t) => {
    const { register } = await setUp(t, () => 'hang');
    await assert.rejects(register.read({ timeoutMs: 50 }), { name: 'ConsulError', failure: 'timeout' });
  });
});
