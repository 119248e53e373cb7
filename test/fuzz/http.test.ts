// The cases of `http` are met everywhere and not just at the door: each kind of answer comes up, not only that of bad requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { connections, Http } from './targets/http/http.ts';
import { SoloLogger } from './targets/http/logger.ts';

const CASES = 60;

test('requests of all kinds are answered, and among them are those that are taken', async (t) => {
  const http = new Http(await SoloLogger.open());
  t.after(() => http.close());
  for (const one of fc.sample(connections, { seed: 1, numRuns: CASES })) await http.run(one);
  for (const status of [200, 400, 404, 405, 413, 415])
    assert.ok(http.statuses.has(status), `no case was answered with ${status}`);
});
