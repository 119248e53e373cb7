// Consul stops answering, for as long as it likes: whoever leads goes on leading, since nobody can be elected behind its back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConsulCluster, sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import { Loggers } from '../../support/loggers.ts';
import { SteadyProducer } from '../../support/steady-producer.ts';

const consul = sharedConsul({ servers: 3 });
const AWAY_MS = process.env.DLOG_TEST_LONG === '1' ? 60_000 : 15_000;
const SOME = 30;
/** Nothing waits for Consul; a machine that is busy with other things may still take its time. */
const LONGEST_GAP_MS = 8000;

async function appendsGoOn(
  producer: SteadyProducer,
  { away, back }: { away: () => Promise<unknown>; back: () => Promise<unknown> },
): Promise<number> {
  await producer.more(SOME);
  const retried = producer.retries.length;
  const before = producer.acks.length;
  await away();
  await sleep(AWAY_MS);
  await back();
  await producer.more(SOME);
  assert.deepEqual(producer.retries.slice(retried), []);
  return producer.longestGapMs(before);
}

/** The register's holder, read consistently, once there is one. */
const holder = (cluster: ConsulCluster, name: string): Promise<{ session: string; epoch: number }> =>
  eventually('the register is held', async () => {
    const url = `${cluster.urls[0]}/v1/kv/distributed-logger/${name}/leader?consistent`;
    const response = await fetch(url).catch(() => null);
    if (!response?.ok) return null;
    const [{ Session, Value }] = (await response.json()) as [{ Session?: string; Value: string }];
    const { epoch } = JSON.parse(Buffer.from(Value, 'base64').toString()) as { epoch: number };
    return Session === undefined ? null : { session: Session, epoch };
  });

test(`all Consul servers frozen, then all killed, for ${AWAY_MS / 1000} s each: appends go on without an error`, async (t) => {
  const { servers } = consul();
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const leader = await loggers.inSync();
  const { epoch } = await holder(consul(), loggers.cluster);
  const producer = SteadyProducer.start(t, loggers.apis);
  const frozen = await appendsGoOn(producer, {
    away: () => Promise.all(servers.map((server) => server.pause())),
    back: async () => {
      for (const server of servers) server.resume();
      await consul().waitForLeader();
    },
  });
  const killed = await appendsGoOn(producer, {
    away: () => Promise.all(servers.map((server) => server.kill())),
    back: async () => {
      await Promise.all(servers.map((server) => server.start()));
      await consul().waitForLeader();
    },
  });
  t.diagnostic(`longest time without an acknowledgement: ${frozen} ms frozen, ${killed} ms killed`);
  assert.ok(
    Math.max(frozen, killed) < LONGEST_GAP_MS,
    `${frozen} and ${killed} ms without an acknowledgement`,
  );
  // Its session may have ended with Consul's own timers. Here it certainly does.
  const lost = await holder(consul(), loggers.cluster);
  await fetch(`${consul().urls[0]}/v1/session/destroy/${lost.session}`, { method: 'PUT' });
  const held = await eventually('the lock is taken again', async () => {
    const now = await holder(consul(), loggers.cluster);
    return now.session === lost.session ? null : now;
  });
  assert.ok([epoch, epoch + 1].includes(held.epoch), `epoch ${epoch} became ${held.epoch}`);
  await producer.more(SOME);
  const still = await loggers.inSync();
  if (held.epoch === epoch) assert.equal(still, leader);
  await producer.stop();
  const epochs = new Set(producer.acks.map((ack) => ack.epoch));
  assert.ok(epochs.size <= 2, `acknowledged in the epochs ${[...epochs]}`);
  await producer.check(loggers.apis);
});

test('Consul is missing at the start: few clear lines, no crash, and one leader once it comes', async (t) => {
  const { servers } = consul();
  await Promise.all(servers.map((server) => server.stop()));
  const loggers = await Loggers.make(t, { consulUrls: consul().urls });
  for (const logger of loggers.all) logger.start();
  for (const logger of loggers.all) {
    const status = await eventually(`${logger.id} answers`, () => logger.status());
    assert.equal(status.role, 'follower');
    assert.equal(status.leader, null);
  }
  const waited = loggers.all.map(({ lines }) => lines.length);
  await sleep(4000);
  for (const [at, { id, lines, running }] of loggers.all.entries()) {
    assert.ok(running, `${id} runs`);
    assert.ok(
      lines.some((line) => /Consul does not answer/.test(line)),
      `${id} says what is missing`,
    );
    const since = lines.slice(waited[at]);
    assert.ok(since.length <= 12, `${id} is not silent:\n${since.join('\n')}`);
  }
  await Promise.all(servers.map((server) => server.start()));
  await consul().waitForLeader();
  const leader = await loggers.inSync();
  const answer = await fetch(`${leader.api}/api/v1/log`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'at last',
  });
  assert.equal(answer.status, 200);
});
