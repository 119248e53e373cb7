// Requests that a web page makes a browser send: header fields as browsers set them, at each entry point that changes something.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEEDED_ROLES } from '../../../src/api/access.ts';
import { knownHosts } from '../../../src/api/request-head.ts';
import { STREAM_ROUTE } from '../../../src/api/stream-protocol.ts';
import { assertProblem, post, RawClient, send, startApi, until } from '../../support/api.ts';

const CHANGES = Object.keys(NEEDED_ROLES)
  .map((call) => call.split(' ') as [string, string])
  .filter(([method]) => method !== 'GET');

const STRANGERS: readonly Record<string, string>[] = [
  { origin: 'http://elsewhere.test' },
  { origin: 'null' },
  { origin: 'http://127.0.0.1:1' },
  { 'sec-fetch-site': 'cross-site' },
  // Another program's page on this machine.
  { 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' },
];

test('no page of another site changes anything, by any call', async (t) => {
  const { url, service } = await startApi(t);
  assert.ok(CHANGES.length >= 4, 'which calls are there?');
  // What a page may send without being asked: a text, or a form.
  for (const [method, path] of CHANGES)
    for (const headers of STRANGERS)
      for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
        assertProblem(
          await send(url + path, { method, headers: { ...headers, 'content-type': type }, body: 'x' }),
          'cross-site',
        );
  for (const headers of STRANGERS)
    assertProblem(
      await send(url + STREAM_ROUTE, {
        headers: { ...headers, connection: 'upgrade', upgrade: 'websocket' },
      }),
      'cross-site',
    );
  assert.deepEqual(service.values, []);
  assert.deepEqual(service.transfers, []);
  assert.equal(service.rebuilds, 0);
});

test('the logger’s own page, a proxy in front of it and programs change what they like', async (t) => {
  const api = await startApi(t);
  const text = { 'content-type': 'text/plain' };
  const own: Record<string, string>[] = [
    {},
    { origin: api.url },
    { origin: api.url, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    // Behind a proxy that asks under another name than the browser.
    { origin: 'https://logs.example.com', 'sec-fetch-site': 'same-origin' },
  ];
  for (const headers of own) assert.equal((await post(api, 'x', { ...text, ...headers })).status, 200);
  assert.equal(api.service.values.length, own.length);
});

test('a page of another site may ask; browsers do not let it read', async (t) => {
  const { url } = await startApi(t);
  const answer = await send(`${url}/api/v1/status`, { headers: { origin: 'http://elsewhere.test' } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
});

test('on a loopback address a host of another name is refused, whatever is asked', async (t) => {
  const api = await startApi(t, { hosts: ['logger.example.com'] });
  const asked = (host: string, path = '/api/v1/log') => send(api.url + path, { headers: { host } });
  const known = [
    'localhost',
    'localhost:8081',
    '127.0.0.1:8081',
    '[::1]:8081',
    'logger.example.com',
    'LOGGER.example.com:1',
  ];
  for (const host of known) assert.equal((await asked(host)).status, 200, host);
  const unknown = ['rebound.test', 'rebound.test:8081', 'localhost.rebound.test', 'a b'];
  for (const host of unknown)
    for (const path of ['/api/v1/log', '/metrics', '/', '/docs/json', '/nothing'])
      assertProblem(await asked(host, path), 'unknown-host');
  assertProblem(await post(api, 'x', { 'content-type': 'text/plain', host: 'rebound.test' }), 'unknown-host');
  assert.deepEqual(api.service.values, []);
  const old = new RawClient(api.port);
  old.write('GET /livez HTTP/1.0\r\n\r\n');
  await until('it is answered', () => old.text.startsWith('HTTP/1.1 200'));
});

test('which hosts are known hangs on where the logger listens', () => {
  assert.equal(knownHosts('0.0.0.0', 'http://10.0.0.1:8080'), null);
  assert.equal(knownHosts('::', 'http://10.0.0.1:8080'), null);
  assert.equal(knownHosts('10.0.0.1', 'http://10.0.0.1:8080'), null);
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
    assert.deepEqual(knownHosts(host, 'https://Logger-0.example.com:8080'), ['logger-0.example.com']);
});
