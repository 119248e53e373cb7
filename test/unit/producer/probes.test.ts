// Probes of the producer while somebody holds connections open.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startProbes } from '../../../src/producer/probes.ts';
import { until } from '../../support/until.ts';

test('silent connections are bounded, and keep nobody from asking', async (t) => {
  const metrics = async () => ({ contentType: 'text/plain', body: '' });
  const probes = await startProbes({ host: '127.0.0.1', port: 0, notReady: () => null, metrics });
  const silent = Array.from({ length: 110 }, () =>
    connect(Number(new URL(probes.url).port), '127.0.0.1').on('error', () => {}),
  );
  t.after(async () => {
    for (const socket of silent) socket.destroy();
    await probes.close();
  });
  await until('the oldest ones are closed', () => silent.filter(({ closed }) => closed).length === 10);
  for (const path of ['/livez', '/readyz'])
    assert.equal((await fetch(probes.url + path, { headers: { connection: 'close' } })).status, 200, path);
});
