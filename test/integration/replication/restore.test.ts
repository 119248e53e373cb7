// What docs/how-to/back-up-and-restore.md tells people to do: a copy of one stopped logger's data directory brings the whole
// log back where all volumes are lost, and a copy that returns to the cluster it was made from returns as a new member.
// `dlog restore` gives it a uid of its own first; without its state file it begins with an empty log.
import assert from 'node:assert/strict';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../support/cli.ts';
import { sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import type { LoggerProcess } from '../../support/logger-process.ts';
import { Loggers } from '../../support/loggers.ts';
import { SteadyProducer } from '../../support/steady-producer.ts';

const consul = sharedConsul();
const SOME = 30;

/** Stops a follower in order, copies its data directory and starts it again; resolves with the path of the copy. */
async function backUp(loggers: Loggers): Promise<string> {
  const leader = await loggers.inSync();
  const follower = loggers.others(leader)[0]!;
  await follower.terminate();
  const copy = `${follower.dataDir}-backup`;
  await cp(follower.dataDir, copy, { recursive: true });
  follower.start();
  await loggers.inSync();
  return copy;
}

/** As `consul kv delete`. */
async function deleteRegister({ cluster }: Loggers): Promise<void> {
  const key = `${consul().urls[0]}/v1/kv/distributed-logger/${cluster}/leader`;
  assert.equal((await fetch(key, { method: 'DELETE' })).status, 200);
}

async function renew({ dataDir }: LoggerProcess): Promise<string> {
  const { code, output, errors } = await runCli(['restore', dataDir, '--json']);
  assert.equal(code, 0, errors);
  return (JSON.parse(output) as { uid: string }).uid;
}

const uidOf = async (logger: LoggerProcess, id: string): Promise<string | null> =>
  (await logger.status())?.members.find((member) => member.id === id)?.uid ?? null;

test('all volumes are lost: one copy brings the log back, up to when it was made', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  await producer.stop();
  const copy = await backUp(loggers);
  await Promise.all(loggers.all.map((logger) => logger.kill()));
  await Promise.all(loggers.all.map((logger) => logger.wipe()));

  // The register names members that will never come back. Whoever sees it knows that it is none of them.
  await deleteRegister(loggers);
  const restored = loggers.all.find(({ dataDir }) => copy.startsWith(dataDir))!;
  await cp(copy, restored.dataDir, { recursive: true });
  const uid = await renew(restored);
  restored.start();
  await eventually('it says what it waits for', () =>
    restored.lines.some((line) => line.includes('the register in Consul is missing')),
  );
  assert.equal((await restored.status())?.leader, null, 'nobody leads without the word of an operator');
  const rebuild = await fetch(`${restored.api}/api/v1/register/rebuild`, { method: 'POST' });
  assert.equal(rebuild.status, 202);
  await eventually('it leads', async () => (await restored.status())?.role === 'leader');
  for (const logger of loggers.others(restored)) logger.start();
  const leader = await loggers.inSync();
  assert.equal(await uidOf(leader, restored.id), uid);
  await producer.check(loggers.apis);
});

test('two of three volumes are lost: the third goes on by the word of an operator, with what it has', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  await producer.stop();
  const survivor = await loggers.inSync();
  const lost = loggers.others(survivor);
  await Promise.all(lost.map((logger) => logger.kill()));
  await Promise.all(lost.map((logger) => logger.wipe()));
  for (const logger of lost) logger.start();
  await eventually('the leader without a majority stands down', async () => {
    const status = await survivor.status();
    return status !== null && status.role === 'follower' && status.leader === null;
  });
  await deleteRegister(loggers);
  await eventually('it says what it waits for', () =>
    survivor.lines.some((line) => line.includes('the register in Consul is missing')),
  );
  const rebuild = await fetch(`${survivor.api}/api/v1/register/rebuild`, { method: 'POST' });
  assert.equal(rebuild.status, 202);
  await loggers.inSync();
  await producer.check(loggers.apis);
});

for (const keepsLog of [true, false])
  test(`a copy that comes back ${keepsLog ? 'with' : 'without'} its log is a new member, and catches up`, async (t) => {
    await comesBack(t, keepsLog);
  });

async function comesBack(t: TestContext, keepsLog: boolean): Promise<void> {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const producer = SteadyProducer.start(t, loggers.apis);
  await producer.more(SOME);
  const copy = await backUp(loggers);
  await producer.more(SOME);
  const leader = await loggers.inSync();
  const restored = loggers.all.find(({ dataDir }) => copy.startsWith(dataDir))!;
  const before = await uidOf(leader, restored.id);
  await restored.kill();
  await restored.wipe();
  await cp(copy, restored.dataDir, { recursive: true });
  if (keepsLog) await renew(restored);
  else await rm(join(restored.dataDir, 'state'));
  restored.start();
  await eventually('it is swapped in the register', async () => {
    const uid = await uidOf(leader, restored.id);
    return uid !== null && uid !== before;
  });
  await loggers.inSync();
  const names = await readdir(restored.dataDir);
  const isPutAside = names.some((name) => name.startsWith('quarantine-'));
  assert.equal(isPutAside, !keepsLog, 'the old log is put aside only where its identity was taken from it');
  await producer.stop();
  assert.deepEqual(producer.retries, [], 'the leader and the other follower went on');
  await producer.check(loggers.apis);
}
