// Members come and go by the command line while a producer sends one message after another and sees no error; a logger whose
// volume was wiped comes back as a new member by itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../../support/cli.ts';
import { sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import { Loggers } from '../../support/loggers.ts';
import { SteadyProducer } from '../../support/steady-producer.ts';

const consul = sharedConsul();
const SOME = 30;

test('three members become five and three again by the command line; a producer sees no error', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const first = loggers.all.map(({ id }) => id);
  const told = (event: string): string[] =>
    loggers.all
      .flatMap(({ lines }) => lines)
      .flatMap((line) =>
        line.includes(`"event":"${event}"`) ? [(JSON.parse(line) as { member: string }).member] : [],
      )
      .sort();
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  await loggers.inSync(first);
  // Whoever of the first three started late was added too.
  const late = told('member-added');
  const added = [await loggers.add('logger-3'), await loggers.add('logger-4')];
  for (const logger of added) logger.start();
  const at = loggers.all.slice(0, 3).flatMap(({ api }) => ['--url', api]);
  const add = await runCli(['members', 'add', 'logger-3', 'logger-4', '--json', ...at]);
  assert.equal(add.code, 0, add.errors);
  const grown = [...first, 'logger-3', 'logger-4'];
  assert.deepEqual(idsIn(add.output), grown);
  await loggers.inSync(grown);
  await producer.more(SOME);
  const remove = await runCli(['members', 'remove', 'logger-3', 'logger-4', '--json', ...at]);
  assert.equal(remove.code, 0, remove.errors);
  assert.deepEqual(idsIn(remove.output), first);
  for (const logger of added) assert.deepEqual(await logger.terminate(), { code: 0, signal: null });
  await producer.more(SOME);
  await loggers.inSync(first);
  assert.deepEqual(told('member-added'), [...late, 'logger-3', 'logger-4']);
  assert.deepEqual(told('member-removed'), ['logger-3', 'logger-4']);
  await producer.stop();
  assert.deepEqual(producer.retries, []);
  await producer.check(loggers.apis.slice(0, 3));
});

test('a leader that is removed hands over first', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  const leader = await loggers.inSync();
  const remove = await runCli(['members', 'remove', leader.id, '--json', '--url', leader.api]);
  assert.equal(remove.code, 0, remove.errors);
  const rest = loggers.others(leader);
  assert.deepEqual(
    idsIn(remove.output),
    rest.map(({ id }) => id),
  );
  await producer.more(SOME);
  assert.deepEqual(await leader.terminate(), { code: 0, signal: null });
  await producer.more(SOME);
  await loggers.inSync();
  await producer.stop();
  await producer.check(rest.map(({ api }) => api));
});

test('a member that is not there is waited for, and the command says so', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const { api } = loggers.all[0]!;
  const add = await runCli(['members', 'add', 'logger-9', '--timeout', '1s', '--url', api]);
  assert.equal(add.code, 69);
  assert.match(add.errors, /Not members yet: logger-9 \(running, connected, caught up\?\)/);
  const slip = await runCli(['members', 'remove', ...loggers.all.map(({ id }) => id), '--url', api]);
  assert.equal(slip.code, 1);
  assert.match(slip.errors, /none of ids is a member now/);
  await loggers.inSync();
});

test('a leader whose volume is wiped comes back as a new member, and catches up while the producer goes on', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  const wiped = await loggers.inSync();
  const before = await eventually('it tells its uid', async () => uidOf(wiped.id, await wiped.status()));
  await wiped.kill();
  await wiped.wipe();
  await producer.more(SOME);
  wiped.start();
  const leader = await eventually('it is swapped in the register', async () => {
    const all = await Promise.all(loggers.all.map((logger) => logger.status()));
    const leading = all.find((status) => status?.role === 'leader');
    const uid = uidOf(wiped.id, leading ?? null);
    return uid !== null && uid !== before ? leading : null;
  });
  assert.equal(leader.members.length, 3);
  await loggers.inSync();
  await producer.more(SOME);
  await producer.stop();
  await producer.check(loggers.apis);
});

const idsIn = (json: string): string[] =>
  (JSON.parse(json) as { members: { id: string }[] }).members.map(({ id }) => id).sort();

const uidOf = (
  id: string,
  status: { members: readonly { id: string; uid: string }[] } | null,
): string | null => status?.members.find((member) => member.id === id)?.uid ?? null;
