// The leader goes, in each of the ways in which leaders go, while a producer sends one message after another: nothing that
// was acknowledged is lost, nothing is there twice, the order stays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sharedConsul } from '../../support/consul.ts';
import { Loggers } from '../../support/loggers.ts';
import { SteadyProducer } from '../../support/steady-producer.ts';

const consul = sharedConsul();
const CALM = 30;
/** Longer than any suspicion: the frozen leader is a stale one when it comes back. */
const FROZEN_MS = 2000;

test('SIGKILL of the leader, and of the next one', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  for (let round = 0; round < 2; round++) {
    await producer.more(CALM);
    const leader = await loggers.inSync();
    const before = producer.acks.length;
    assert.deepEqual(await leader.kill(), { code: null, signal: 'SIGKILL' });
    await producer.more(CALM);
    t.diagnostic(`longest time without an acknowledgement: ${producer.longestGapMs(before)} ms`);
    leader.start();
    await loggers.inSync();
  }
  await producer.stop();
  await producer.check(loggers.apis);
});

test('SIGTERM of the leader: it hands over, and no request fails', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  for (let round = 0; round < 2; round++) {
    await producer.more(CALM);
    const leader = await loggers.inSync();
    const before = producer.acks.length;
    assert.deepEqual(await leader.terminate(), { code: 0, signal: null });
    await producer.more(CALM);
    t.diagnostic(`longest time without an acknowledgement: ${producer.longestGapMs(before)} ms`);
    leader.start();
    await loggers.inSync();
  }
  await producer.stop();
  // A client that waited may have found the new leader by itself and gone there: a repetition, but no failure.
  assert.deepEqual(
    producer.retries.filter(({ reason }) => reason !== 'superseded'),
    [],
  );
  await producer.check(loggers.apis);
});

test('SIGSTOP of the leader, and SIGCONT when another one leads', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(CALM);
  const stale = await loggers.inSync();
  const before = producer.acks.length;
  stale.pause();
  await sleep(FROZEN_MS);
  await producer.more(CALM);
  t.diagnostic(`longest time without an acknowledgement: ${producer.longestGapMs(before)} ms`);
  const leader = await loggers.inSync(loggers.all.map(({ id }) => id));
  assert.notEqual(leader, stale);
  stale.resume();
  await producer.more(CALM);
  assert.equal(await loggers.inSync(), leader);
  await producer.stop();
  await producer.check(loggers.apis);
});
