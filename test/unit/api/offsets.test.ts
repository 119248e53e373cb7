import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogClient } from '../../../src/client/index.ts';
import { assertProblem, send, startApi } from '../../support/api.ts';

const OFFSETS = '/api/v1/offsets';
/** The memory service stamps its records with this and their offset. */
const BEGAN_MS = 1_700_000_000_000;

test('the first committed record at or after a moment; else the first kept, else what comes next', async (t) => {
  const { service, url } = await startApi(t);
  service.fill('a', 'b', 'c');
  const client = new LogClient({ target: url });
  t.after(() => client.close());
  for (const [timestampMs, offset] of [
    [0, 0],
    [BEGAN_MS + 1, 1],
    [BEGAN_MS + 2, 2],
    [BEGAN_MS + 3, 3],
  ] as const) {
    const answer = await send(`${url}${OFFSETS}?timestamp=${timestampMs}`);
    assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, { offset }]);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(await client.offsetAt(timestampMs), offset);
  }
  service.retainFrom(2);
  assert.equal(await client.offsetAt(0), 2);
});

test('any logger answers; a malformed moment is refused', async (t) => {
  const { service, url } = await startApi(t);
  service.follow({ id: 'logger-1', api: 'http://leader.test' });
  assert.equal((await send(`${url}${OFFSETS}?timestamp=0`)).status, 200);
  for (const query of ['', '?timestamp=now', '?timestamp=-1', '?time=0'])
    assertProblem(await send(url + OFFSETS + query), 'invalid-request');
});
