// A record as large as the configuration can allow passes through every bound between a client and the disks of all loggers.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { BODY_MAX_BYTES } from '../../../src/limits.ts';
import { sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import { Loggers } from '../../support/loggers.ts';

const consul = sharedConsul();
const TIMEOUT_MS = 60_000;
/** A bound that does not fit fails all of them: each ends the leadership. */
const ATTEMPTS_MAX = 3;
const LIMIT = String(BODY_MAX_BYTES);

/** The offset, or null where the outcome is unknown: on a busy machine a leader may change for reasons of its own. */
async function post(api: string, body: Buffer): Promise<number | null> {
  const response = await fetch(`${api}/api/v1/log`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (response.status === 503) return null;
  assert.equal(response.status, 200, text);
  return (JSON.parse(text) as { offset: number }).offset;
}

async function digestAt(api: string, offset: number): Promise<string | null> {
  const url = `${api}/api/v1/log?offset=${offset}&limit=1`;
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  if (response.status !== 200 || text === '') return null;
  const { value } = JSON.parse(text) as { value: string };
  return digest(value);
}

const digest = (value: string | Buffer): string => createHash('sha256').update(value).digest('hex');

test('a record of the largest size is acknowledged, and replicated to all', async (t) => {
  const loggers = await Loggers.start(t, {
    consulUrls: consul().urls,
    environment: {
      DLOG_BODY_LIMIT_BYTES: LIMIT,
      DLOG_RECORD_LIMIT_BYTES: LIMIT,
      DLOG_MAX_PENDING_BYTES: LIMIT,
      DLOG_APPEND_TIMEOUT_MS: String(TIMEOUT_MS),
    },
  });
  const value = Buffer.alloc(BODY_MAX_BYTES, 'the largest record ');
  let offset: number | null = null;
  for (let attempt = 0; offset === null && attempt < ATTEMPTS_MAX; attempt += 1)
    offset = await post((await loggers.inSync()).api, value);
  assert.ok(offset !== null, `acknowledged in one of ${ATTEMPTS_MAX} attempts`);
  const stored = offset;
  for (const { api } of loggers.all)
    assert.equal(await eventually('it is read', () => digestAt(api, stored)), digest(value));
});
