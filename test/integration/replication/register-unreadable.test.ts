// Something else is written where the register was: the leader goes on, and everybody who looks is told that nobody could follow it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import { Loggers } from '../../support/loggers.ts';

const consul = sharedConsul();

test('a register that is not JSON is an error for as long as it lasts', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls, count: 1 });
  const leader = await loggers.inSync();
  const epoch = (await leader.status())?.epoch;
  const key = `${consul().urls[0]}/v1/kv/distributed-logger/${loggers.cluster}/leader`;
  const metric = async (api: string): Promise<string | undefined> =>
    /^distributed_logger_register_readable (\d)$/m.exec(await (await fetch(`${api}/metrics`)).text())?.[1];

  assert.ok((await fetch(key, { method: 'PUT', body: 'garbage' })).ok);
  for (const { api, status } of loggers.all.map((logger) => ({
    api: logger.api,
    status: () => logger.status(),
  }))) {
    const told = await eventually('it is told', async () => {
      const now = (await status())?.consul;
      return now?.error ? now : null;
    });
    assert.equal(told.reachable, true);
    assert.match(told.error ?? '', /leader \(ModifyIndex \d+\) is not a register: it is not JSON/);
    assert.equal(await metric(api), '0');
  }
  const transfer = await fetch(`${leader.api}/api/v1/leader/transfer`, { method: 'POST' });
  assert.equal(transfer.status, 409);
  const problem = (await transfer.json()) as { code: string; detail: string };
  assert.equal(problem.code, 'transfer-impossible');
  assert.match(problem.detail, /is not a register: it is not JSON/);
  const append = await fetch(`${leader.api}/api/v1/log`, { method: 'POST', body: 'x' });
  assert.equal(append.status, 200);

  assert.ok((await fetch(key, { method: 'DELETE' })).ok);
  for (const logger of loggers.all)
    await eventually('all is well again', async () =>
      (await logger.status())?.consul.error === null && (await metric(logger.api)) === '1' ? true : null,
    );
  assert.equal((await leader.status())?.epoch, epoch);
});
