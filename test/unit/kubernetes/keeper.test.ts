// The keeper against the API server's double over real HTTP: each test is a story of who wants what and what breaks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiClient } from '../../../src/kubernetes/client.ts';
import { PodLabelKeeper } from '../../../src/kubernetes/keeper.ts';
import { type KubeApiDouble, kubeApi, NAMESPACE, SELECTOR } from '../../support/kube-api.ts';
import { until } from '../../support/until.ts';

const RESYNC_MS = 100;
const CALL_TIMEOUT_MS = 300;

class Driven {
  readonly calls: string[] = [];
  readonly patches: string[] = [];
  readonly syncs: boolean[] = [];
  readonly errors: (string | null)[] = [];
  readonly api: ApiClient;
  readonly keeper: PodLabelKeeper;

  constructor(double: KubeApiDouble, podName: string) {
    this.api = new ApiClient({
      onCall: ({ operation, result }) => void this.calls.push(`${operation} ${result}`),
      namespace: NAMESPACE,
      podSelector: SELECTOR,
      callTimeoutMs: CALL_TIMEOUT_MS,
      load: (kubeConfig) => double.load(kubeConfig),
    });
    const hooks = {
      onCall() {},
      onPatch: ({ result, seconds }: { result: string; seconds: number }) => {
        assert.ok(seconds >= 0);
        this.patches.push(result);
      },
      onSync: (inSync: boolean) => void this.syncs.push(inSync),
      onError: (error: string | null) => void this.errors.push(error),
    };
    this.keeper = new PodLabelKeeper({ api: this.api, podName, resyncMs: RESYNC_MS, hooks });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper.stop();
    await this.api.close();
  }
}

async function cluster(...pods: [name: string, role?: string, epoch?: number][]): Promise<KubeApiDouble> {
  const double = await kubeApi();
  for (const pod of pods) double.addPod(...pod);
  return double;
}

const patchesOf = (double: KubeApiDouble, name: string) =>
  double.requests.filter(({ method, path }) => method === 'PATCH' && path.endsWith(`/${name}`));

test('a container that starts again takes the label off that outlived it, and keeps the epoch', async () => {
  await using double = await cluster(['a', 'leader', 3], ['b', 'follower', 3]);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  assert.deepEqual(double.view(), { a: 'follower@3', b: 'follower@3' });
  assert.deepEqual(a.keeper.state(), {
    enabled: true,
    wanted: 'follower',
    observed: 'follower',
    inSync: true,
    error: null,
  });
  assert.equal(patchesOf(double, 'a').length, 1);
});

test('with the API server away a logger starts all the same, says so, and labels its pod once it can', async () => {
  await using double = await cluster(['a', 'leader', 3]);
  let away = true;
  double.faults.push(() => (away ? 'hang' : null));
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  assert.deepEqual(a.keeper.state(), {
    enabled: true,
    wanted: 'follower',
    observed: null,
    inSync: false,
    error: `list pods: no answer within ${CALL_TIMEOUT_MS} ms`,
  });
  away = false;
  await until('the label is mended', () => a.keeper.state().inSync);
  assert.deepEqual(double.view(), { a: 'follower@3' });
  assert.equal(a.keeper.state().error, null);
  assert.deepEqual(a.errors, [`list pods: no answer within ${CALL_TIMEOUT_MS} ms`, null]);
});

test('a new leader labels itself, takes the label off the dead one, and tells its epoch to all', async () => {
  await using double = await cluster(['a'], ['b', 'leader', 4], ['c', 'follower', 4]);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  a.keeper.lead(5);
  await until('in sync', () => a.keeper.state().inSync);
  assert.deepEqual(double.view(), { a: 'leader@5', b: 'follower@5', c: 'follower@5' });
  assert.deepEqual(a.patches, ['ok', 'ok', 'ok', 'ok']);
});

test('the label needs no read first: the pods as last seen are good enough', async () => {
  await using double = await cluster(['a'], ['b', 'leader', 4]);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  double.faults.push(({ method }) => (method === 'GET' ? 503 : null));
  a.keeper.lead(5);
  await until('labelled', () => double.view().a === 'leader@5' && double.view().b === 'follower@5');
  double.faults.length = 0;
});

test('the late patch of an old leader is refused, and what it reads then makes it step down', async () => {
  await using double = await cluster(['a'], ['b'], ['c']);
  await using a = new Driven(double, 'a');
  await using b = new Driven(double, 'b');
  await Promise.all([a.keeper.start(), b.keeper.start()]);
  const late = Promise.withResolvers<void>();
  double.faults.push(({ path, body }) =>
    path.endsWith('/a') && body.includes('leader"') && body.includes('"1"') ? late.promise : null,
  );
  a.keeper.lead(1);
  await until('the old leader has sent its patch', () => patchesOf(double, 'a').length === 2);
  b.keeper.lead(2);
  await until('the new leader is in sync', () => b.keeper.state().inSync);
  assert.deepEqual(double.view(), { a: 'follower@2', b: 'leader@2', c: 'follower@2' });
  late.resolve();
  await until(
    'the old one has seen it',
    () => a.keeper.state().error === 'epoch 2 was decided by another logger',
  );
  assert.deepEqual(double.view(), { a: 'follower@2', b: 'leader@2', c: 'follower@2' });
  assert.equal(a.keeper.state().inSync, false);
});

test('a pod that changed since it was read is read again, not overwritten', async () => {
  await using double = await cluster(['a'], ['b', 'leader', 1]);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  double.touch('b');
  a.keeper.lead(2);
  await until('in sync', () => a.keeper.state().inSync);
  assert.deepEqual(double.view(), { a: 'leader@2', b: 'follower@2' });
  assert.deepEqual(a.patches, ['ok', 'ok', 'conflict', 'ok']);
});

test('a pod that changes under every patch is not taken for mended', async () => {
  await using double = await cluster(['a'], ['b', 'leader', 1]);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  let changes = 4;
  double.faults.push(({ method, path }) => {
    if (method === 'PATCH' && path.endsWith('/b') && changes-- > 0) double.touch('b');
    return null;
  });
  a.keeper.lead(2);
  await until('in sync', () => a.keeper.state().inSync);
  assert.deepEqual(double.view(), { a: 'leader@2', b: 'follower@2' });
  assert.equal(a.patches.filter((result) => result === 'conflict').length, 4);
});

test('no patch lowers an epoch', async () => {
  await using double = await cluster(['a', 'follower', 7], ['b', 'leader', 7]);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  a.keeper.lead(5);
  await until('refused', () => a.keeper.state().error === 'epoch 7 was decided by another logger');
  assert.deepEqual(double.view(), { a: 'follower@7', b: 'leader@7' });
  assert.equal(a.keeper.state().inSync, false);
});

test('a newer wish overrides one whose patch gets no answer, and no pod has two patches under way', async () => {
  await using double = await cluster(['a']);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  double.setRole('a', 'none');
  await until('mended', () => double.view().a === 'follower@0' && a.keeper.state().inSync);
  double.faults.push(({ method, body }) => (method === 'PATCH' && body.includes('leader"') ? 'hang' : null));
  a.keeper.lead(1);
  const sent = patchesOf(double, 'a').length;
  await until('the patch is under way', () => patchesOf(double, 'a').length > sent);
  a.keeper.follow();
  await until('in sync', () => a.keeper.state().inSync);
  assert.deepEqual(double.view(), { a: 'follower@0' });
  assert.equal(double.concurrentPatches, 1);
  assert.ok(!a.patches.includes('error'), 'what was cut short is no error');
});

test('a patch that was carried out though its answer was lost is not repeated', async () => {
  await using double = await cluster(['a']);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  let cuts = 1;
  double.faults.push(({ method }) => (method === 'PATCH' && cuts-- > 0 ? 'cut-after' : null));
  a.keeper.lead(1);
  await until('in sync', () => a.keeper.state().inSync);
  assert.deepEqual(double.view(), { a: 'leader@1' });
  assert.equal(patchesOf(double, 'a').length, 2);
  assert.deepEqual(a.patches, ['ok', 'error']);
});

test('a right that is missing for one pod shows, and does not keep the own label off', async () => {
  await using double = await cluster(['a'], ['b', 'leader', 1]);
  double.faults.push(({ method, path }) => (method === 'PATCH' && path.endsWith('/b') ? 403 : null));
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  a.keeper.lead(2);
  await until('refused', () => a.keeper.state().error === 'patch pod b: HTTP 403, made to fail');
  await until('labelled', () => double.view().a === 'leader@2');
  assert.equal(a.keeper.state().observed, 'leader');
  assert.equal(a.keeper.state().inSync, false);
});

test('an API server in trouble changes no wish; it shows, and passes', async () => {
  await using double = await cluster(['a']);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  a.keeper.lead(1);
  await until('in sync', () => a.keeper.state().inSync);
  double.faults.push(() => 500);
  await until('the trouble shows', () => !a.keeper.state().inSync);
  assert.equal(a.keeper.state().error, 'list pods: HTTP 500, made to fail');
  assert.equal(a.keeper.state().wanted, 'leader');
  double.faults.length = 0;
  await until('in sync again', () => a.keeper.state().inSync);
  assert.deepEqual(a.errors, ['list pods: HTTP 500, made to fail', null]);
  assert.deepEqual(a.syncs, [true, false, true, false, true]);
});

test('labels changed by hand are mended: the own, and one put on another pod', async () => {
  await using double = await cluster(['a'], ['b']);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  a.keeper.lead(3);
  await until('in sync', () => a.keeper.state().inSync);
  double.setRole('a', 'follower');
  await until('mended', () => double.view().a === 'leader@3');
  double.addPod('b', 'leader', 2);
  await until('mended', () => double.view().b === 'follower@3');
});

test('a selector that misses the own pod is said', async () => {
  await using double = await cluster(['b', 'leader', 1]);
  await using a = new Driven(double, 'a');
  const started = a.keeper.start();
  await until('said', () => a.keeper.state().error === 'pod a is not among the pods of the selector');
  a.keeper.lead(2);
  double.addPod('a');
  await until('in sync', () => a.keeper.state().inSync);
  await started;
  assert.deepEqual(double.view(), { b: 'follower@2', a: 'leader@2' });
});

test('stopping takes the label off, tells it as an event, and ends every call', async () => {
  await using double = await cluster(['a']);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  a.keeper.lead(4);
  await until('in sync', () => a.keeper.state().inSync);
  await a.keeper.stop();
  assert.deepEqual(double.view(), { a: 'follower@4' });
  assert.deepEqual(
    double.events.map(({ reason, message }) => [reason, message]),
    [
      ['LeaderElected', 'a leads epoch 4'],
      ['LeaderLost', 'a no longer leads epoch 4'],
    ],
  );
  const requests = double.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 3 * RESYNC_MS));
  assert.equal(double.requests.length, requests);
});

test('a change of the members is an event at once, or as soon as the API server answers', async () => {
  await using double = await cluster(['a']);
  await using a = new Driven(double, 'a');
  await a.keeper.start();
  a.keeper.lead(4);
  await until('in sync', () => a.keeper.state().inSync);
  a.keeper.tell({ reason: 'MemberAdded', epoch: 4, revision: 9, member: 'd' });
  const names = () => double.events.map(({ metadata }) => metadata.name.split('.').slice(2).join('.'));
  await until('told', () => names().includes('memberadded.4.9.d'));
  let away = true;
  double.faults.push(() => (away ? 503 : null));
  a.keeper.tell({ reason: 'MemberRemoved', epoch: 4, revision: 10, member: 'd' });
  await until('refused', () => a.calls.includes('event_create refused'));
  away = false;
  await until('told', () => names().includes('memberremoved.4.10.d'));
  assert.deepEqual(
    double.events.slice(-2).map(({ reason, message }) => [reason, message]),
    [
      ['MemberAdded', 'd is a member from now on, in epoch 4 led by a'],
      ['MemberRemoved', 'd is a member no longer, in epoch 4 led by a'],
    ],
  );
  for (const call of ['pods_list ok', 'pod_patch ok', 'event_create ok'])
    assert.ok(a.calls.includes(call), call);
});
