// PUT and GET /api/v1/members, and the rebuilding of a lost register.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoggerError } from '../../../src/errors.ts';
import { type Answer, assertProblem, type RunningApi, send, startApi } from '../../support/api.ts';

const PATH = '/api/v1/members';
const REBUILD = '/api/v1/register/rebuild';

const put = ({ url }: RunningApi, body: string, type = 'application/json'): Promise<Answer> =>
  send(url + PATH, { method: 'PUT', body, headers: { 'content-type': type } });

test('the wanted members are noted and shown', async (t) => {
  const api = await startApi(t);
  for (const ids of [['logger-0', 'logger-3'], null]) {
    const answer = await put(api, JSON.stringify({ ids }));
    assert.equal(answer.status, 202);
    assert.deepEqual(JSON.parse(answer.text).wanted, ids);
    const shown = await send(api.url + PATH);
    assert.equal(shown.status, 200);
    assert.equal(shown.headers['cache-control'], 'no-store');
    assert.equal(shown.text, answer.text);
  }
});

test('what is no list of ids is refused, and says why', async (t) => {
  const api = await startApi(t);
  const bad = {
    '': 'not JSON',
    '[]': 'not a JSON object',
    '{"ids":["a"],"ids":["b"]}': 'twice',
    '{}': 'not an object with ids',
    '{"ids":[]}': 'not a list',
    '{"ids":"logger-0"}': 'not a list',
    '{"ids":["Logger"]}': '"Logger" is not the id of a logger',
    '{"ids":[1]}': '1 is not the id of a logger',
    '{"ids":["a","a"]}': 'twice',
    '{"ids":["a"],"force":true}': 'unknown field "force"',
  };
  for (const [body, why] of Object.entries(bad)) {
    const problem = assertProblem(await put(api, body), 'invalid-request');
    assert.ok(problem.detail.includes(why), `${body}: ${problem.detail}`);
  }
  assertProblem(await put(api, '{"ids":null}', 'text/plain'), 'unsupported-media-type');
  assertProblem(await put(api, `{"ids":${JSON.stringify(['x'.repeat(5000)])}}`), 'body-too-large');
  assertProblem(await send(`${api.url}${PATH}?ids=a`), 'invalid-request');
  assert.equal(api.service.wanted, null);
});

test('members are the leader’s business, and on Kubernetes the StatefulSet’s', async (t) => {
  const api = await startApi(t);
  api.service.refusal = new LoggerError('members-managed');
  assertProblem(await put(api, '{"ids":["logger-0"]}'), 'members-managed');
  api.service.follow({ id: 'logger-1', api: 'http://leader.test' });
  for (const answer of [await put(api, '{"ids":["logger-0"]}'), await send(api.url + PATH)]) {
    assert.equal(answer.status, 307);
    assert.equal(answer.headers.location, `http://leader.test${PATH}`);
  }
  api.service.follow(null);
  assertProblem(await put(api, '{"ids":["logger-0"]}'), 'no-leader');
});

test('a register is rebuilt by the logger that is told so, while nobody leads', async (t) => {
  const api = await startApi(t);
  assertProblem(await send(api.url + REBUILD, { method: 'POST' }), 'leader-present');
  api.service.follow(null);
  assertProblem(await send(api.url + REBUILD, { body: '{"force":true}' }), 'invalid-request');
  assert.equal(api.service.rebuilds, 0);
  const answer = await send(api.url + REBUILD, { method: 'POST' });
  assert.equal(answer.status, 202);
  assert.deepEqual(JSON.parse(answer.text), { id: 'logger-0' });
  assert.equal(api.service.rebuilds, 1);
});
