// The whole cluster dies at once and comes back: what was acknowledged is still there, and what was served is served on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sharedConsul } from '../../support/consul.ts';
import type { LoggerProcess } from '../../support/logger-process.ts';
import { Loggers } from '../../support/loggers.ts';
import { SteadyProducer } from '../../support/steady-producer.ts';

const consul = sharedConsul();
const SOME = 40;
const POLL_MS = 20;

/** Looks at each logger's commit until `signal` aborts; resolves with every fall within one life of a logger. */
async function watchCommits(loggers: readonly LoggerProcess[], signal: AbortSignal): Promise<string[]> {
  const falls: string[] = [];
  const watch = async (logger: LoggerProcess): Promise<void> => {
    let life: number | null = null;
    for (let highest = 0; !signal.aborted; await sleep(POLL_MS)) {
      const asked = logger.pid;
      const commit = (await logger.status())?.offsets.commit;
      if (commit === undefined || asked !== logger.pid) continue;
      // What a killed logger stored of its commit is a lower bound: it shows no more until a leader tells it.
      if (life === asked && commit < highest) falls.push(`${logger.id} fell from ${highest} to ${commit}`);
      highest = life === asked ? Math.max(highest, commit) : commit;
      life = asked;
    }
  };
  await Promise.all(loggers.map(watch));
  return falls;
}

test('SIGKILL of all loggers at once, twice: nothing acknowledged is lost, and commit goes on from there', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const watching = new AbortController();
  t.after(() => watching.abort());
  const watched = watchCommits(loggers.all, watching.signal);
  const producer = SteadyProducer.start(t, loggers.apis);
  for (let round = 0; round < 2; round++) {
    await producer.more(SOME);
    const { epoch, offset } = producer.acks.at(-1)!;
    await Promise.all(loggers.all.map((logger) => logger.kill()));
    for (const logger of loggers.all) logger.start();
    await producer.more(SOME);
    await loggers.inSync();
    assert.ok(producer.acks.at(-1)!.epoch > epoch, 'no epoch is resumed');
    for (const logger of loggers.all) {
      const commit = (await logger.status())?.offsets.commit ?? 0;
      assert.ok(commit > offset, `${logger.id} is at ${commit}, and ${offset} was acknowledged before`);
    }
  }
  await producer.stop();
  await producer.check(loggers.apis);
  watching.abort();
  assert.deepEqual(await watched, []);
});
