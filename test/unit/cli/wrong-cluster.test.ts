import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clustersHint } from '../../../src/cli/wrong-cluster.ts';
import { answer, ScriptedLogger } from '../client/scripted-logger.ts';

const KEYS = ['distributed-logger/blue/', 'distributed-logger/green/'];

test('the clusters that Consul has are named, when the wanted one is not among them', async (t) => {
  const consul = await ScriptedLogger.start(t, [], answer(200, KEYS));
  const hint = (cluster: string) => clustersHint({ urls: [consul.url], cluster, token: 'secret' });
  assert.equal(await hint('red'), 'Consul has no cluster "red", but blue, green: name one by --cluster NAME');
  assert.equal(await hint('blue'), null);
  const [asked] = consul.received;
  assert.equal(asked?.url, '/v1/kv/distributed-logger/?keys&separator=/');
  assert.equal(asked?.headers['x-consul-token'], 'secret');
});

test('a Consul without any, one that does not tell, and none', async (t) => {
  const empty = await ScriptedLogger.start(t, [], answer(404, ''));
  assert.match((await clustersHint({ urls: [empty.url] })) ?? '', /^no logger has ever led in this Consul/);
  const forbidden = await ScriptedLogger.start(t, [], answer(403, 'no'));
  assert.equal(await clustersHint({ urls: [forbidden.url] }), null);
  assert.equal(await clustersHint({ urls: ['http://127.0.0.1:1'] }), null);
  assert.equal(await clustersHint(undefined), null);
});
