import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparePeers, comparisonTable } from '../../bench/compare.ts';

const times = { p50Ms: 1, p99Ms: 2, p999Ms: 3 };
const OWN = [
  { workload: 'W1 throughput', sizeBytes: 1024, ratePerSecond: 200, ...times },
  { workload: 'W4 rate', sizeBytes: 1024, ratePerSecond: 1000, ...times },
] as const;
const line = (given: object): string =>
  JSON.stringify({
    peer: 'other',
    setting: 'durable',
    size: 1024,
    rate: 100,
    p50: 2,
    p99: 4,
    p999: 4,
    ...given,
  });
const printing = (...lines: string[]): string => `printf '%s\\n' '${lines.join("' '")}'`;

test('each figure of a peer that we have too is put beside ours', async () => {
  const compared = await comparePeers(
    printing(
      'built in 3 s',
      line({ workload: 'W1 throughput' }),
      line({ workload: 'W1 throughput', size: 100 }),
      line({ workload: 'W4 rate', client: 'js' }),
      line({ workload: 'W3 failover', rate: undefined }),
    ),
    OWN,
  );
  assert.deepEqual(
    compared.map(({ peer, workload, rateRatio, p99Ratio, p999Ratio }) => ({
      peer,
      workload,
      rateRatio,
      p99Ratio,
      p999Ratio,
    })),
    [
      { peer: 'other durable', workload: 'W1 throughput', rateRatio: 2, p99Ratio: 0.5, p999Ratio: 0.75 },
      { peer: 'other durable js', workload: 'W4 rate', rateRatio: 10, p99Ratio: 0.5, p999Ratio: 0.75 },
    ],
  );
  assert.match(comparisonTable(compared), /\| other durable \| W1 throughput \| 1024 \| 100 \/ 200 \/ 2 \|/);
});

test('a command that fails is an error', async () => {
  await assert.rejects(comparePeers('exit 3', OWN), /ended with 3/);
});
