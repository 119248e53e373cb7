import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delayMs } from '../../../src/kubernetes/backoff.ts';
import { ApiClient } from '../../../src/kubernetes/client.ts';
import { StatefulSetReplicas } from '../../../src/kubernetes/replicas.ts';
import { kubeApi, NAMESPACE, SELECTOR } from '../../support/kube-api.ts';
import { until } from '../../support/until.ts';

test('the wanted number of loggers follows the StatefulSet, and stays while the API server is away', async () => {
  await using double = await kubeApi();
  const api = new ApiClient({
    namespace: NAMESPACE,
    podSelector: SELECTOR,
    load: (kubeConfig) => double.load(kubeConfig),
  });
  const reader = new StatefulSetReplicas({ api, statefulSet: 'logger', resyncMs: 20 });
  assert.equal(reader.replicas, null);
  reader.start();
  await until('it is read', () => reader.replicas === 3);
  double.faults.push(() => 503);
  double.replicas = 5;
  await until('the trouble shows', () => reader.error === 'get statefulset logger: HTTP 503, made to fail');
  assert.equal(reader.replicas, 3);
  double.faults.length = 0;
  await until('it is read again', () => reader.replicas === 5 && reader.error === null);
  await reader.stop();
  await api.close();
});

test('a pod that is told to stop learns at once whether it is scaled away', async () => {
  await using double = await kubeApi();
  const api = new ApiClient({
    namespace: NAMESPACE,
    podSelector: SELECTOR,
    load: (kubeConfig) => double.load(kubeConfig),
  });
  const reader = new StatefulSetReplicas({ api, statefulSet: 'logger', resyncMs: 600_000 });
  reader.start();
  await until('it is read', () => reader.replicas === 3);
  double.replicas = 2;
  await reader.refresh();
  assert.equal(reader.replicas, 2);
  await reader.stop();
  await reader.refresh();
  assert.equal(reader.replicas, 2);
  await api.close();
});

test('retries double from 100 ms up to the resync period, less up to half at random', () => {
  const least = () => 0;
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 100].map((failures) => delayMs(failures, 3000, least)),
    [100, 200, 400, 800, 1600, 3000, 3000],
  );
  assert.equal(delayMs(0, 3000, least), 3000);
  assert.equal(
    delayMs(1, 3000, () => 1),
    50,
  );
  assert.equal(delayMs(1, 60, least), 60);
});
