// A logger whose disk does not give back what was stored: it serves nothing wrong, says so, and does not go on leading.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedConsul } from '../../support/consul.ts';
import { damageFirstSegment } from '../../support/damaged-log.ts';
import { eventually } from '../../support/eventually.ts';
import { Loggers } from '../../support/loggers.ts';

const consul = sharedConsul();
const TIMEOUT_MS = 30_000;
const SEGMENT_BYTES = 1024 * 1024;
const RECORD_BYTES = 300_000;
const RECORDS = 12;

async function append(api: string, value: string): Promise<void> {
  const headers = { 'content-type': 'text/plain' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(`${api}/api/v1/log`, { method: 'POST', headers, body: value, signal });
  assert.equal(response.status, 200, await response.text());
}

const read = (api: string, offset: number): Promise<Response> =>
  fetch(`${api}/api/v1/log?offset=${offset}&limit=1`, { signal: AbortSignal.timeout(TIMEOUT_MS) });

test('a leader that finds damage in its log says so everywhere, and hands over', async (t) => {
  const loggers = await Loggers.start(t, {
    consulUrls: consul().urls,
    environment: { DLOG_SEGMENT_SIZE_BYTES: String(SEGMENT_BYTES) },
  });
  const before = await loggers.inSync();
  for (let count = 0; count < RECORDS; count += 1)
    await append(before.api, `${count} `.padEnd(RECORD_BYTES, '.'));
  const damaged = loggers.others(before)[0]!;
  await damaged.terminate();
  await damageFirstSegment(damaged.dataDir, RECORD_BYTES / 2);
  damaged.start();
  await loggers.inSync();
  assert.equal((await damaged.status())?.damage, null, 'nobody has read it');
  await fetch(`${(await loggers.inSync()).api}/api/v1/leader/transfer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ to: damaged.id }),
  });
  await eventually('it leads', async () => (await damaged.status())?.role === 'leader');

  const answer = await read(damaged.api, 0);
  assert.equal(answer.status, 500);
  const { code, outcome, detail } = (await answer.json()) as Record<string, string>;
  assert.deepEqual([code, outcome], ['log-damaged', 'none']);
  assert.match(detail ?? '', /replace this logger's volume/);
  await eventually('another one leads', async () => {
    const status = await damaged.status();
    return status?.role === 'follower' && status.leader !== null;
  });
  const status = await damaged.status();
  assert.match(status?.damage ?? '', /^segment 0 from 0 on, byte 0: the CRC is/);
  const metrics = await (await fetch(`${damaged.api}/metrics`)).text();
  assert.match(metrics, /^distributed_logger_log_damaged 1$/m);
  assert.ok(damaged.lines.some((line) => line.includes("replace this logger's volume")));

  const leader = await loggers.inSync();
  assert.notEqual(leader.id, damaged.id);
  const row = JSON.parse(await (await read(leader.api, 0)).text()) as { value: string };
  assert.equal(row.value, '0 '.padEnd(RECORD_BYTES, '.'));
  assert.equal((await read(damaged.api, RECORDS - 1)).status, 200, 'what is whole is served');
});
