// Loggers that have IPv6 alone: they listen on ::1, and know each other and Consul by it. One that listens on all addresses is
// reached by both families.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { LogClient, Producer } from '../../../src/client/index.ts';
import { testConsul } from '../../support/consul.ts';
import { Loggers } from '../../support/loggers.ts';

const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address));
const skip = !addresses.includes('::1') && 'this machine has no ::1';

test('three loggers on ::1 replicate, and one takes over', { skip }, async (t) => {
  const consul = await testConsul(t, { extraFor: () => ({ client_addr: '0.0.0.0' }) });
  const consulUrls = consul.urls.map((url) => url.replace('127.0.0.1', '[::1]'));
  const loggers = await Loggers.start(t, { consulUrls, host: '::1' });
  const leader = await loggers.inSync();
  const producer = new Producer({ consul: { urls: consulUrls, cluster: loggers.cluster } });
  assert.match(leader.api, /^http:\/\/\[::1\]:\d+$/);
  await producer.send('by IPv6');
  await leader.kill();
  await producer.send('after a takeover');
  await producer.close();
  const next = await loggers.inSync(loggers.all.map(({ id }) => id));
  const status = await next.status();
  assert.deepEqual(status?.leader, { id: next.id, api: next.api });
  for (const { api } of loggers.others(leader)) {
    const client = new LogClient({ target: api });
    t.after(() => client.close());
    const { records } = await client.read({ offset: 0, limit: 10 });
    assert.deepEqual(
      records.map(({ value }) => value),
      ['by IPv6', 'after a takeover'],
    );
  }
});

test('a logger that is given no address listens on all of IPv6 and IPv4', { skip }, async (t) => {
  const consul = await testConsul(t);
  const environment = { DLOG_API_HOST: '', DLOG_PEER_HOST: '', DLOG_POD_IP: 'fd00::7' };
  const { all } = await Loggers.start(t, { consulUrls: consul.urls, count: 1, environment });
  const port = new URL(all[0]?.api as string).port;
  for (const host of ['127.0.0.1', '[::1]']) {
    const client = new LogClient({ target: `http://${host}:${port}` });
    t.after(() => client.close());
    assert.equal((await client.status()).leader?.api, `http://[fd00::7]:${port}`);
  }
});
