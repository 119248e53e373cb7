import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConsulError, RegisterMalformed, type Session } from '../../../src/election/index.ts';
import { sharedConsul } from '../../support/consul.ts';
import { claimOf, consul, done, electionOf, eventually, refusal } from './support.ts';

const cluster = sharedConsul();
const url = () => cluster().urls[0] as string;

const keyOf = (name: string) => `/kv/distributed-logger/${name}/leader`;
const entryOf = async (name: string) => {
  const entries = (await consul(url(), 'GET', keyOf(name))) as { LockIndex: number; ModifyIndex: number }[];
  return entries[0] as { LockIndex: number; ModifyIndex: number; Session?: string };
};

describe('the register on one Consul server', () => {
  it('is created, updated, taken over and released, each write moving the index', async (t) => {
    const a = electionOf(t, { urls: [url()], cluster: 'story', id: 'a' });
    const b = electionOf(t, { urls: [url()], cluster: 'story', id: 'b' });
    const nothing = await a.register.read();
    assert.deepEqual(nothing, { value: null, index: 0, session: null });

    const mine = await a.sessions.open();
    const created = done(await a.register.take(nothing, claimOf('a', nothing), mine.id));
    assert.deepEqual(await b.register.read(), created);
    assert.equal(created.session, mine.id);

    const value = { ...claimOf('a', created), epoch: 1 };
    const updated = done(await a.register.update(created, value, mine.id));
    assert.ok(updated.index > created.index);
    assert.equal((await entryOf('story')).LockIndex, 1); // one acquisition: the update did not put it back

    const theirs = await b.sessions.open();
    const taken = done(await b.register.take(updated, claimOf('b', updated), theirs.id));
    assert.deepEqual(await a.register.read(), taken);
    assert.deepEqual([taken.session, taken.value?.epoch], [theirs.id, 2]);

    const released = done(await b.register.release(taken, theirs.id));
    assert.deepEqual(await a.register.read(), { value: taken.value, index: released.index, session: null });
    done(await a.register.take(released, claimOf('a', released), mine.id));
    await Promise.all([mine.destroy(), theirs.destroy()]);
  });

  it('refuses every write that comes late or twice, and says what stands there', async (t) => {
    const a = electionOf(t, { urls: [url()], cluster: 'late', id: 'a' });
    const b = electionOf(t, { urls: [url()], cluster: 'late', id: 'b' });
    const [mine, theirs] = await Promise.all([a.sessions.open(), b.sessions.open()]);
    const nothing = await a.register.read();
    const claim = claimOf('a', nothing);
    const created = done(await a.register.take(nothing, claim, mine.id));
    assert.equal(refusal(await a.register.take(nothing, claim, mine.id)), 'index-moved');

    const takeover = claimOf('b', created);
    const taken = done(await b.register.take(created, takeover, theirs.id));
    for (const late of [
      await b.register.take(created, takeover, theirs.id),
      await a.register.update(created, claimOf('a', created), mine.id),
      await a.register.release(created, mine.id),
      await a.register.take(nothing, claim, mine.id),
    ]) {
      assert.equal(refusal(late), 'index-moved');
      assert.deepEqual(late.kind === 'refused' && late.now, taken);
    }
    await Promise.all([mine.destroy(), theirs.destroy()]);
  });

  it('refuses writes under a session that does not hold the lock, or is gone', async (t) => {
    const a = electionOf(t, { urls: [url()], cluster: 'foreign', id: 'a' });
    const [mine, other] = [await a.sessions.open(), await a.sessions.open()];
    const nothing = await a.register.read();
    const held = done(await a.register.take(nothing, claimOf('a', nothing), mine.id));
    assert.equal(refusal(await a.register.update(held, claimOf('a', held), other.id)), 'lock-held');
    assert.equal(refusal(await a.register.release(held, other.id)), 'lock-held');
    const asIfFree = { ...held, session: null };
    assert.equal(refusal(await a.register.take(asIfFree, claimOf('a', held), other.id)), 'lock-held');
    const asIfOthers = { ...held, session: other.id };
    assert.equal(refusal(await a.register.take(asIfOthers, claimOf('a', held), other.id)), 'lock-held');
    await other.destroy();
    assert.equal(refusal(await a.register.take(held, claimOf('a', held), other.id)), 'session-invalid');
    const nobody = '3b241101-e2bb-4255-8caf-4136c566a962';
    assert.equal(refusal(await a.register.take(held, claimOf('a', held), nobody)), 'session-invalid');
    await mine.destroy();
  });

  it('is free at once when the holder destroys its session: there is no lock delay', async (t) => {
    const a = electionOf(t, { urls: [url()], cluster: 'delay', id: 'a' });
    const [first, second] = [await a.sessions.open(), await a.sessions.open()];
    const nothing = await a.register.read();
    const held = done(await a.register.take(nothing, claimOf('a', nothing), first.id));
    await first.destroy();
    const freed = await a.register.read();
    assert.deepEqual(freed, { value: held.value, index: freed.index, session: null });
    assert.ok(freed.index > held.index); // so nobody can act on what was read before
    assert.equal(refusal(await a.register.take(held, claimOf('a', held), second.id)), 'index-moved');
    done(await a.register.take(freed, claimOf('a', freed), second.id));
    await second.destroy();
  });

  it('goes to exactly one of two that race for it, a hundred times', async (t) => {
    const racers = ['a', 'b'].map((id) => electionOf(t, { urls: [url()], cluster: 'race', id }));
    const sessions: Session[] = [];
    for (const { sessions: own } of racers) sessions.push(await own.open());
    let seen = await racers[0]?.register.read();
    for (let round = 0; round < 100; round++) {
      const from = seen as NonNullable<typeof seen>;
      const outcomes = await Promise.all(
        racers.map(({ id, register }, at) =>
          register.take(from, claimOf(id, from), sessions[at]?.id as string),
        ),
      );
      const kinds = outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.reason : outcome.kind));
      assert.deepEqual(kinds.sort(), ['done', 'index-moved'], `round ${round}`);
      const winner = outcomes.find(({ kind }) => kind === 'done');
      const loser = outcomes.find(({ kind }) => kind === 'refused');
      seen = done(winner as NonNullable<typeof winner>);
      assert.ok(loser?.kind === 'refused');
      assert.deepEqual(loser.now, seen);
      assert.equal(seen.value?.epoch, round + 1);
    }
    await Promise.all(sessions.map((session) => session.destroy()));
  });

  it('is never taken for absent when the key holds something else', async (t) => {
    const a = electionOf(t, { urls: [url()], cluster: 'malformed', id: 'a' });
    const session = await a.sessions.open();
    for (const text of ['', 'leader', '{"epoch":1}']) {
      await consul(url(), 'PUT', keyOf('malformed'), text);
      await assert.rejects(a.register.read(), RegisterMalformed);
    }
    const absent = { value: null, index: 0, session: null };
    const outcome = await a.register.take(absent, claimOf('a', absent), session.id);
    assert.ok(outcome.kind === 'unknown' && outcome.cause instanceof RegisterMalformed);
    await session.destroy();
  });

  it('keeps a write that reached a frozen server: unknown first, carried out later, never twice', async (t) => {
    const a = electionOf(t, { urls: [url()], cluster: 'frozen', id: 'a' });
    const impatient = electionOf(t, { urls: [url()], cluster: 'frozen', id: 'b', timeoutMs: 200 });
    const session = await a.sessions.open();
    const nothing = await a.register.read();
    const claim = claimOf('a', nothing);
    const [server] = cluster().servers;
    await server?.pause();
    try {
      await assert.rejects(impatient.register.read(), (error: ConsulError) => error.failure === 'timeout');
      const outcome = await a.register.take(nothing, claim, session.id, { timeoutMs: 200 });
      assert.ok(
        outcome.kind === 'unknown' && outcome.cause instanceof ConsulError && outcome.cause.maybeDone,
      );
    } finally {
      server?.resume();
    }
    const late = await eventually('the late write stands', async () => {
      const now = await a.register.read();
      return now.value?.leader.incarnation === claim.leader.incarnation && now;
    });
    assert.deepEqual([late.value, late.session], [claim, session.id]);
    assert.equal(refusal(await a.register.take(nothing, claim, session.id)), 'index-moved');
    await session.destroy();
  });
});
