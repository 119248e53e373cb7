import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram, Registry } from 'prom-client';
import { tallyHistogram } from '../../../src/metrics/tally-histogram.ts';

const BUCKETS = [0.1, 1, 2.5];
const VALUES = [0, 0.1, 0.100001, 1, 2, 2.5, 2.500001, 1e9, 1e-9];

const options = (labelNames: readonly string[]) => ({ name: 'waited_seconds', help: 'Of each', labelNames });

test('is rendered like a histogram of prom-client that has observed the same', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const tally = tallyHistogram(ours, { ...options(['route', 'method']), buckets: BUCKETS });
  const histogram = new Histogram({
    ...options(['route', 'method']),
    labelNames: ['route', 'method'],
    buckets: BUCKETS,
    registers: [theirs],
  });
  for (const labels of [
    ['/a', 'GET'],
    ['/b "c"\\', 'POST'],
  ] as const) {
    const cell = tally.cell(...labels);
    for (const value of VALUES) {
      cell.observe(value);
      histogram.labels(...labels).observe(value);
    }
  }
  assert.equal(await ours.metrics(), await theirs.metrics());
  const [json, their] = [await ours.getMetricsAsJSON(), await theirs.getMetricsAsJSON()];
  assert.deepEqual(
    json.map(({ name, type, help }) => ({ name, type, help })),
    their.map(({ name, type, help }) => ({ name, type, help })),
  );
});

test('without labels it begins with empty buckets', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const cell = tallyHistogram(ours, { ...options([]), buckets: BUCKETS }).cell();
  const histogram = new Histogram({ ...options([]), labelNames: [], buckets: BUCKETS, registers: [theirs] });
  assert.equal(await ours.metrics(), await theirs.metrics());
  cell.observe(0.7);
  histogram.observe(0.7);
  assert.equal(await ours.metrics(), await theirs.metrics());
});

test('takes no value that is none, and no other number of labels', () => {
  const tally = tallyHistogram(new Registry(), { ...options(['route']), buckets: BUCKETS });
  assert.throws(() => tally.cell('/a').observe(Number.NaN), TypeError);
  assert.throws(() => tally.cell('/a').observe(Number.POSITIVE_INFINITY), TypeError);
  assert.throws(() => tally.cell(), /waited_seconds has 1 labels, not 0/);
});
