// The OpenAPI document is valid, names every route and no other, and tells the truth about the answers.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import { openApiDocument } from '../../../src/api/openapi/index.ts';
import { ERRORS, type ErrorCode, LoggerError } from '../../../src/errors.ts';
import { type Answer, post, type RunningApi, rowsOf, SAMPLE, send, startApi } from '../../support/api.ts';

const document = openApiDocument('1.2.3');

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content: Record<string, { readonly schema: object }> }>
  >;
}
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: method.toUpperCase(),
    operation: operation as Operation,
  })),
);

test('the document is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone(document));
  assert.deepEqual(result, { valid: true });
});

test('it is served, and /docs shows it with nothing from elsewhere', async (t) => {
  const { url } = await startApi(t);
  const served = await send(`${url}/docs/json`);
  assert.deepEqual(JSON.parse(served.text), JSON.parse(JSON.stringify(document)));
  const page = await send(`${url}/docs`);
  assert.equal(page.status, 200);
  const parts = [...page.text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link ?? '');
  assert.ok(parts.length > 3);
  for (const part of parts) {
    assert.match(part, /^\/docs\//);
    assert.equal((await send(url + part)).status, 200, part);
  }
  assert.doesNotMatch(String(page.headers['content-security-policy']), /https?:|upgrade-insecure/);
});

test('every route is in the document, and nothing else is', async (t) => {
  const routes: string[] = [];
  const collect = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url }) => void routes.push(`${method} ${url}`));
  };
  subscribe('fastify.initialization', collect);
  await startApi(t);
  unsubscribe('fastify.initialization', collect);
  const shown = routes.filter((route) => !route.startsWith('HEAD ') && !/ \/(docs|page)(\/|$)/.test(route));
  const documented = operations.map(({ method, path }) => `${method} ${path.replace(/{(\w+)}/g, ':$1')}`);
  assert.ok(routes.length > shown.length);
  assert.deepEqual(shown.toSorted(), documented.toSorted());
});

test('every error code is in the document where it can be met, under its status', () => {
  const missing = new Set(Object.keys(ERRORS));
  for (const { path, method, operation } of operations)
    for (const [status, { content }] of Object.entries(operation.responses)) {
      if (!('application/problem+json' in content)) continue;
      for (const code of codesOf(operation, status)) {
        assert.equal(ERRORS[code].status, Number(status), `${method} ${path}`);
        missing.delete(code);
      }
    }
  // Met where no operation is: on other paths and methods, and where tokens are asked for.
  assert.deepEqual([...missing].toSorted(), ['forbidden', 'method-not-allowed', 'not-found', 'unauthorized']);
});

function codesOf(operation: Operation, status: string): ErrorCode[] {
  const { description } = operation.responses[status] as unknown as { description: string };
  return [...description.matchAll(/`([a-z-]+)`: /g)].map(([, code]) => code as ErrorCode);
}

/** Checks an answer against what the document says of this operation and status. */
function assertDocumented(method: string, path: string, answer: Answer): void {
  const found = operations.find((one) => one.method === method && one.path === path);
  const response = found?.operation.responses[answer.status];
  assert.ok(response !== undefined, `${answer.status} of ${method} ${path} is not documented`);
  const type = (answer.headers['content-type'] ?? '').split(';')[0] ?? '';
  const media = response.content[type];
  assert.ok(media !== undefined, `${type} of ${answer.status} of ${method} ${path} is not documented`);
  if (!type.endsWith('json')) return;
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'document', components: document.components });
  const validate = ajv.compile(JSON.parse(JSON.stringify(media.schema).replaceAll('"#/', '"document#/')));
  for (const value of type.endsWith('ndjson') ? rowsOf(answer) : [JSON.parse(answer.text)])
    assert.ok(validate(value), `${JSON.stringify(value)}: ${JSON.stringify(validate.errors)}`);
  if (type !== 'application/problem+json') return;
  const { code } = JSON.parse(answer.text);
  assert.ok(codesOf(found!.operation, String(answer.status)).includes(code), `${code} of ${method} ${path}`);
}

const LOG = '/api/v1/log';
const JSON_TYPE = { 'content-type': 'application/json' };
const STAMP = { ...JSON_TYPE, 'producer-id': '7', 'producer-epoch': '0', 'producer-seq': '0' };

test('the answers of a running API are as documented', async (t) => {
  const api = await startApi(t);
  api.service.samples = [
    SAMPLE,
    { ...SAMPLE, role: 'follower', bytesPerSecond: null, append: null, lag: {} },
  ];
  api.service.epochs = [
    { epoch: 2, leader: 'logger-0', start: null, time: SAMPLE.time, seen: true },
    { epoch: 1, leader: null, start: 0, time: null, seen: false },
  ];
  assertDocumented('POST', LOG, await post(api, '["a",{"base64":"/w==","key":"k"}]', STAMP));
  assertDocumented('POST', LOG, await post(api, '["a","b"]', STAMP));
  assertDocumented('POST', LOG, await post(api, '[1]', JSON_TYPE));
  assertDocumented('GET', LOG, await send(api.url + LOG));
  assertDocumented('GET', LOG, await send(`${api.url}${LOG}?offset=9`));
  assertDocumented('GET', LOG, await send(`${api.url}${LOG}?offset=x`));
  await others(api);
  api.service.follow({ id: 'logger-1', api: 'http://leader.test' });
  assertDocumented('POST', LOG, await post(api, 'a'));
  await others(api);
  api.service.follow(null);
  api.service.liveness = { ok: false, reason: 'stuck' };
  api.service.readiness = { ok: false, reason: 'catching up' };
  assertDocumented('POST', LOG, await post(api, 'a'));
  await others(api);
});

async function others({ url }: RunningApi): Promise<void> {
  for (const path of [
    '/',
    '/api/v1/status',
    '/api/v1/stats',
    '/api/v1/stats?since=x',
    '/api/v1/history',
    '/livez',
    '/readyz',
    '/metrics',
  ])
    assertDocumented('GET', path.split('?')[0] ?? path, await send(url + path));
  for (const timestamp of ['0', 'now'])
    assertDocumented('GET', '/api/v1/offsets', await send(`${url}/api/v1/offsets?timestamp=${timestamp}`));
  for (const id of ['7', '8', 'x'])
    assertDocumented('GET', '/api/v1/producers/{id}', await send(`${url}/api/v1/producers/${id}`));
  const members = '/api/v1/members';
  assertDocumented('GET', members, await send(url + members));
  for (const body of ['{}', '{"ids":["logger-0"]}', '{"ids":null}'])
    assertDocumented('PUT', members, await send(url + members, { method: 'PUT', body, headers: JSON_TYPE }));
  const rebuild = '/api/v1/register/rebuild';
  assertDocumented('POST', rebuild, await send(url + rebuild, { method: 'POST' }));
  const path = '/api/v1/leader/transfer';
  for (const body of ['{}', '{"to":1}', '{"to":"logger-0"}'])
    assertDocumented('POST', path, await send(url + path, { body, headers: JSON_TYPE }));
}

test('whatever the logger refuses an append with is documented', async (t) => {
  const { service, ...api } = await startApi(t, { expectsErrors: true });
  const codes = [
    'overloaded',
    'too-many-requests',
    'disk-full',
    'shutting-down',
    'not-leader',
    'outcome-unknown',
    'internal',
  ] as const; // prettier-ignore
  for (const code of codes) {
    service.refusal = new LoggerError(code);
    assertDocumented('POST', LOG, await post(api, 'a'));
  }
});
