import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { ApiServerError, isStale } from '../../../src/kubernetes/api.ts';
import { ApiClient } from '../../../src/kubernetes/client.ts';
import type { Pod } from '../../../src/kubernetes/labels.ts';
import { type KubeApiDouble, kubeApi, NAMESPACE, SELECTOR } from '../../support/kube-api.ts';
import { until } from '../../support/until.ts';

const never = new AbortController().signal;
const clients: ApiClient[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

function clientOf(double: KubeApiDouble, callTimeoutMs = 5000): ApiClient {
  const client = new ApiClient({
    namespace: NAMESPACE,
    podSelector: SELECTOR,
    callTimeoutMs,
    load: (kubeConfig) => double.load(kubeConfig),
  });
  clients.push(client);
  return client;
}

test('calls are authorized, and connections are kept', async () => {
  await using double = await kubeApi();
  double.addPod('a', 'leader', 3);
  const client = clientOf(double);
  for (let call = 0; call < 20; call++) {
    const pods = await client.pods(never);
    assert.deepEqual(pods, [{ name: 'a', uid: 'uid-of-a', resourceVersion: '1', role: 'leader', epoch: 3 }]);
  }
  // A second one is made when a call begins before the first has settled after its answer.
  assert.ok(double.connections <= 2, `${double.connections} connections for 20 calls`);
  assert.ok(double.requests.every(({ authorization }) => authorization === 'Bearer secret'));
});

test('a patch is a merge patch on the version that was read; a pod changed or gone since is stale', async () => {
  await using double = await kubeApi();
  double.addPod('a');
  const client = clientOf(double);
  const [read] = await client.pods(never);
  const pod = read as Pod;
  const patched = await client.patch({ pod, role: 'leader', epoch: 2 }, never);
  assert.deepEqual([patched.role, patched.epoch], ['leader', 2]);
  assert.deepEqual(JSON.parse(double.requests[1]!.body), {
    metadata: {
      resourceVersion: pod.resourceVersion,
      labels: { 'distributed-logger/role': 'leader' },
      annotations: { 'distributed-logger/epoch': '2' },
    },
  });
  await assert.rejects(client.patch({ pod, role: 'follower', epoch: 3 }, never), isStale);
  double.removePod('a');
  await assert.rejects(client.patch({ pod: patched, role: 'follower', epoch: 3 }, never), isStale);
});

test('a call without an answer ends at its deadline, and takes every connection with it', async () => {
  await using double = await kubeApi();
  double.addPod('a');
  const client = clientOf(double, 200);
  await Promise.all([client.pods(never), client.pods(never), client.pods(never)]);
  assert.equal(double.openConnections, 3);
  double.faults.push(() => 'hang');
  await assert.rejects(client.pods(never), {
    name: 'ApiServerError',
    status: null,
    message: 'list pods: no answer within 200 ms',
  });
  await until('all connections are closed', () => double.openConnections === 0);
  double.faults.length = 0;
  assert.equal((await client.pods(never)).length, 1);
});

test('errors tell the status and the reason, or why there was no answer', async () => {
  await using double = await kubeApi();
  const client = clientOf(double);
  double.faults.push(() => 403);
  const refused = await client.pods(never).catch((error: unknown) => error);
  assert.ok(refused instanceof ApiServerError);
  assert.equal(refused.status, 403);
  assert.equal(refused.message, 'list pods: HTTP 403, made to fail');
  assert.equal(isStale(refused), false);
  double.faults[0] = () => 'cut';
  const cut = await client.pods(never).catch((error: unknown) => error);
  assert.ok(cut instanceof ApiServerError);
  assert.equal(cut.status, null);
  assert.equal(cut.message, 'list pods: other side closed');
});

test('a signal ends a call with its own reason, before it begins or while it waits', async () => {
  await using double = await kubeApi();
  const client = clientOf(double);
  const reason = new Error('not wanted any more');
  await assert.rejects(client.pods(AbortSignal.abort(reason)), reason);
  assert.equal(double.requests.length, 0);
  const controller = new AbortController();
  double.faults.push(() => {
    queueMicrotask(() => controller.abort(reason));
    return 'hang';
  });
  await assert.rejects(client.pods(controller.signal), reason);
});

test('a pod without a resourceVersion is refused, since a patch of it would be unconditional', async () => {
  await using double = await kubeApi();
  double.addPod('');
  await assert.rejects(clientOf(double).pods(never), /without its identity/);
});

test('an event that exists already is as good as created', async () => {
  await using double = await kubeApi();
  double.addPod('a');
  const client = clientOf(double);
  const [pod] = await client.pods(never);
  const happening = { reason: 'LeaderElected', epoch: 3 } as const;
  const event = { pod: pod!, happening, at: new Date() };
  await client.createEvent(event, never);
  await client.createEvent(event, never);
  assert.deepEqual(
    double.events.map(({ metadata, message }) => [metadata.name, message]),
    [['a.uid-of-a.leaderelected.3', 'a leads epoch 3']],
  );
});
