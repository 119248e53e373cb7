// Loggers that ask for tokens, with a real Consul: appends, redirects and the client across a handover, and a rotation.
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogClient, Producer } from '../../../src/client/index.ts';
import { testConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import { Loggers } from '../../support/loggers.ts';

const tokenOf = (name: string): string => `${name}-`.padEnd(32, 'x');
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('tokens guard a cluster, follow a handover, and are rotated without a restart', async (t) => {
  const consul = await testConsul(t);
  const root = await mkdtemp(join(tmpdir(), 'distributed-logger-tokens-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const directory = await mkdtemp(join(root, 'tokens-'));
  const write = async (role: string, ...tokens: string[]): Promise<void> => {
    await writeFile(join(root, role), tokens.join('\n'));
    await rename(join(root, role), join(directory, role));
  };
  await write('produce', tokenOf('producer'));
  await write('read', tokenOf('reader'), tokenOf('producer'), tokenOf('operator'));
  await write('operate', tokenOf('operator'));
  const loggers = await Loggers.make(t, {
    consulUrls: consul.urls,
    environment: { DLOG_API_TOKENS_DIR: directory },
  });
  for (const logger of loggers.all) logger.start();
  const reader = new LogClient({ target: loggers.apis, token: tokenOf('reader') });
  const operator = new LogClient({ target: loggers.apis, token: tokenOf('operator') });
  let token = tokenOf('producer');
  const producer = new Producer({ target: loggers.apis, token: () => token });
  t.after(async () => void (await Promise.all([reader.close(), operator.close(), producer.close()])));

  await producer.send('one');
  const append = (headers: Record<string, string>) =>
    fetch(`${loggers.apis[0]}/api/v1/log`, { method: 'POST', body: 'stranger', headers, redirect: 'manual' });
  assert.equal((await append({})).status, 401);
  assert.equal((await append(bearer(tokenOf('reader')))).status, 403);
  await assert.rejects(reader.transfer(), { code: 'forbidden' });

  const { epoch } = await eventually('a follower can take over', () => operator.transfer().catch(() => null));
  await eventually('it leads', async () => (await reader.status()).epoch >= epoch);
  await producer.send('two');

  await write('produce', tokenOf('successor'));
  await eventually('the old token is gone everywhere', async () => {
    const asked = loggers.apis.map((api) =>
      fetch(`${api}/api/v1/log`, {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'text/xml' },
        redirect: 'manual',
      }),
    );
    return (await Promise.all(asked)).every(({ status }) => status === 403);
  });
  token = tokenOf('successor');
  await producer.send('three');
  // Of the leader: a follower learns a moment later what is committed.
  const { records } = await reader.read({ linearizable: true });
  assert.deepEqual(
    records.map(({ value }) => value),
    ['one', 'two', 'three'],
  );
});
