// A real Consul is restored from a real snapshot of its own past, with leaders alive and with all of them gone; and logs
// that differ although their epochs agree.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32c } from '@node-rs/crc32';
import { runCli } from '../../support/cli.ts';
import { sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import type { LoggerProcess } from '../../support/logger-process.ts';
import { Loggers } from '../../support/loggers.ts';
import { SteadyProducer } from '../../support/steady-producer.ts';

const consul = sharedConsul();
const SOME = 30;
/** Long enough for many elections, were one possible. */
const NOBODY_LEADS_MS = 3000;

const snapshotUrl = (): string => `${consul().urls[0]}/v1/snapshot`;
const snapshot = async (): Promise<ArrayBuffer> => (await fetch(snapshotUrl())).arrayBuffer();
const restore = async (backup: ArrayBuffer): Promise<void> => {
  assert.equal((await fetch(snapshotUrl(), { method: 'PUT', body: backup })).status, 200);
};

async function registerOf({ cluster }: Loggers): Promise<{ epoch: number; members: { id: string }[] }> {
  const response = await fetch(
    `${consul().urls[0]}/v1/kv/distributed-logger/${cluster}/leader?raw&consistent`,
  );
  return (await response.json()) as { epoch: number; members: { id: string }[] };
}

test('a backup of an older epoch, one logger down: the leader goes on and writes its claim again', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  const former = await loggers.inSync();
  const backup = await snapshot();
  assert.equal((await runCli(['transfer', '--url', former.api])).code, 0);
  const leader = await loggers.inSync();
  assert.notEqual(leader, former);
  const down = loggers.others(leader).find((logger) => logger !== former) as LoggerProcess;
  await down.kill();
  await producer.more(SOME);
  const { epoch } = await registerOf(loggers);
  await restore(backup);
  assert.ok((await registerOf(loggers)).epoch < epoch);
  await producer.more(SOME);
  await eventually('the claim is written again', async () => (await registerOf(loggers)).epoch === epoch);
  const status = await leader.status();
  assert.deepEqual([status?.role, status?.epoch], ['leader', epoch]);
  down.start();
  await loggers.inSync();
  await producer.stop();
  await producer.check(loggers.apis);
});

test('a backup of the same epoch with fewer members, all loggers down: nothing that the newer members acknowledged is lost', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const first = [...loggers.all];
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  const leader = await loggers.inSync();
  const backup = await snapshot();
  const added = [await loggers.add('logger-3'), await loggers.add('logger-4')];
  for (const logger of added) logger.start();
  const add = await runCli(['members', 'add', 'logger-3', 'logger-4', '--url', leader.api]);
  assert.equal(add.code, 0, add.errors);
  const ids = loggers.all.map(({ id }) => id);
  await loggers.inSync(ids);
  const behind = first.filter((logger) => logger !== leader);
  for (const logger of behind) logger.pause();
  await producer.more(SOME);
  await Promise.all(loggers.all.map((logger) => logger.kill()));
  await restore(backup);
  for (const logger of behind) logger.start();
  for (const logger of behind)
    await eventually(`${logger.id} says what it waits for`, () =>
      logger.lines.some((line) => line.includes('the register in Consul is missing or older')),
    );
  await sleep(NOBODY_LEADS_MS);
  for (const logger of behind) {
    const status = await eventually(`${logger.id} answers`, () => logger.status());
    assert.equal(status.leader, null);
  }
  assert.equal((await registerOf(loggers)).members.length, 3);
  for (const logger of [leader, ...added]) logger.start();
  await loggers.inSync(ids);
  assert.equal((await registerOf(loggers)).members.length, 5);
  await producer.more(SOME);
  await producer.stop();
  await producer.check(loggers.apis);
});

/** Changes a byte of the last record of a logger that is down, and its batch's CRC with it: a batch that nobody finds damaged. */
async function alterLastBatch({ dataDir }: LoggerProcess): Promise<void> {
  const log = join(dataDir, 'log');
  const segment = (await readdir(log))
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1) as string;
  const bytes = await readFile(join(log, segment));
  let at = 0;
  for (let next = 0; next < bytes.length; next += 12 + bytes.readInt32BE(next + 8)) at = next;
  bytes[bytes.length - 2]! ^= 1;
  bytes.writeUInt32BE(crc32c(bytes.subarray(at + 21)), at + 17);
  await writeFile(join(log, segment), bytes);
}

test('a log that differs from the leader’s in the same epoch stops its logger', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  const leader = await loggers.inSync();
  const [odd] = loggers.others(leader) as [LoggerProcess];
  await producer.stop();
  await loggers.inSync();
  await odd.terminate();
  await alterLastBatch(odd);
  odd.start();
  await eventually('it stops', () => odd.pid === null);
  assert.deepEqual(await odd.exited, { code: 70, signal: null });
  assert.ok(
    odd.lines.some((line) => line.includes('log-mismatch')),
    odd.lines.slice(-3).join('\n'),
  );
  assert.equal((await leader.status())?.role, 'leader');
});
