// Tokens and roles: every call of the table with every token.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Access, NEEDED_ROLES } from '../../../src/api/access.ts';
import { STREAM_ROUTE } from '../../../src/api/stream-protocol.ts';
import { ROLES, Tokens } from '../../../src/security/index.ts';
import { assertProblem, post, send, startApi } from '../../support/api.ts';
import { askForStream } from '../../support/stream-client.ts';

const tokenOf = (role: string): string => `${role}-`.padEnd(32, 'x');
const tokens = new Tokens(ROLES.map((role) => ({ role, token: tokenOf(role) })));
const access: Access = { tokens: () => tokens, metricsNeedToken: false };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Whoever moves leadership or members must see what comes of it. */
const OPERATORS_SEE = ['GET /api/v1/status', 'GET /api/v1/members'];

for (const [call, needed] of Object.entries(NEEDED_ROLES))
  test(`${call} needs the role ${needed}`, async (t) => {
    const api = await startApi(t, { access });
    const { url, service } = api;
    const [method, path] = call.replace(':id', '7').split(' ') as [string, string];
    const ask = (headers: Record<string, string>) =>
      path === STREAM_ROUTE ? askForStream(api, { headers }) : send(url + path, { method, headers });
    const none = await ask({});
    assertProblem(none, 'unauthorized');
    assert.equal(none.headers['www-authenticate'], 'Bearer realm="distributed-logger"');
    for (const credentials of [
      'Bearer',
      'Bearer  ',
      `Basic ${tokenOf(needed)}`,
      `Bearer ${tokenOf('other')}`,
    ]) {
      const answer = await ask({ authorization: credentials });
      assertProblem(answer, 'unauthorized');
      assert.match(String(answer.headers['www-authenticate']), /error="invalid_token"/);
    }
    for (const role of ROLES) {
      const answer = await ask(bearer(tokenOf(role)));
      const may = role === needed || (role === 'operate' && OPERATORS_SEE.includes(call));
      if (may) assert.ok(![401, 403].includes(answer.status), answer.text);
      else {
        assertProblem(answer, 'forbidden');
        assert.match(String(answer.headers['www-authenticate']), new RegExp(`scope="${needed}"`));
      }
    }
    assert.equal(service.transfers.length, call.includes('transfer') ? 1 : 0);
  });

test('probes and the pages are open, and metrics by a switch', async (t) => {
  const { url } = await startApi(t, { access });
  for (const path of ['/livez', '/readyz', '/metrics', '/', '/docs'])
    assert.equal((await send(url + path)).status, 200, path);
  const closed = await startApi(t, { access: { ...access, metricsNeedToken: true } });
  assertProblem(await send(`${closed.url}/metrics`), 'unauthorized');
  assertProblem(await send(`${closed.url}/metrics`, { headers: bearer(tokenOf('produce')) }), 'forbidden');
  assert.equal((await send(`${closed.url}/metrics`, { headers: bearer(tokenOf('read')) })).status, 200);
  assert.equal((await send(`${closed.url}/livez`)).status, 200);
});

test('a follower sends on only those who may, and a HEAD needs what a GET does', async (t) => {
  const { service, ...api } = await startApi(t, { access });
  assert.equal((await send(`${api.url}/api/v1/log`, { method: 'HEAD' })).status, 401);
  service.follow({ id: 'logger-1', api: 'https://elsewhere:8080' });
  assertProblem(await post(api, 'a', { 'content-type': 'text/plain' }), 'unauthorized');
  const sent = await post(api, 'a', { 'content-type': 'text/plain', ...bearer(tokenOf('produce')) });
  assert.equal(sent.status, 307);
  assert.equal(sent.headers.location, 'https://elsewhere:8080/api/v1/log');
});
