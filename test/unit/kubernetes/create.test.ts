import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from '../../../src/config.ts';
import { createKubernetes, type KubernetesConfig } from '../../../src/kubernetes/index.ts';

const base = mkdtempSync(join(tmpdir(), 'kubernetes-create-'));
after(() => rmSync(base, { recursive: true }));
const mounted = join(base, 'mounted');
mkdirSync(mounted);
writeFileSync(join(mounted, 'token'), 'secret');
const absent = join(base, 'absent');

const hooks = { onCall() {}, onPatch() {}, onSync() {}, onError() {} };
const config = (given: Partial<KubernetesConfig>): KubernetesConfig => ({
  kubernetes: 'auto',
  podName: 'logger-0',
  namespace: 'default',
  podSelector: 'app=logger',
  statefulSet: 'logger',
  labelResyncMs: 3000,
  ...given,
});
const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
const create = (given: Partial<KubernetesConfig>, serviceAccountDir = mounted, variables = environment) =>
  createKubernetes(config(given), hooks, { environment: variables, serviceAccountDir });

function problemsOf(make: () => unknown): readonly string[] {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  assert.fail('no ConfigError');
}

test('auto: labels are kept in a pod with a service account and a name, and nowhere else', () => {
  assert.equal(create({}).enabled, true);
  assert.equal(create({}, absent).enabled, false);
  assert.equal(create({ podName: '' }).enabled, false);
  assert.equal(create({ kubernetes: 'off' }).enabled, false);
  assert.equal(create({ kubernetes: 'on' }).enabled, true);
});

test('on, outside a cluster: all that is missing is said at once', () => {
  const given = { kubernetes: 'on', podName: '', namespace: '', podSelector: '' } as const;
  const problems = problemsOf(() =>
    createKubernetes(config(given), hooks, { environment: {}, serviceAccountDir: absent }),
  );
  assert.deepEqual(
    problems.map((problem) => problem.split(' ')[0]),
    [
      'DLOG_KUBERNETES',
      'KUBERNETES_SERVICE_HOST',
      'DLOG_POD_NAME',
      'DLOG_POD_SELECTOR',
      'DLOG_POD_NAMESPACE',
    ],
  );
  assert.equal(
    problems[0],
    `DLOG_KUBERNETES is "on", but there is no service account token at ${join(absent, 'token')}`,
  );
});

test('auto, in a pod, without a selector: refused, since every pod of the namespace would be one of ours', () => {
  assert.match(problemsOf(() => create({ podSelector: '' })).join('\n'), /^DLOG_POD_SELECTOR is not set/);
});

test('the namespace is that of the service account where none is given', () => {
  const dir = join(base, 'with-namespace');
  mkdirSync(dir);
  writeFileSync(join(dir, 'token'), 'secret');
  assert.match(problemsOf(() => create({ namespace: '' }, dir)).join('\n'), /^DLOG_POD_NAMESPACE is not set/);
  writeFileSync(join(dir, 'namespace'), 'loggers\n');
  assert.equal(create({ namespace: '' }, dir).enabled, true);
});

test('where labels are off, everything can be called and does nothing', async () => {
  const { label, replicas, stop } = create({ kubernetes: 'off' });
  await label.start();
  replicas.start();
  label.lead(3);
  assert.deepEqual(label.state(), {
    enabled: false,
    wanted: 'leader',
    observed: null,
    inSync: false,
    error: null,
  });
  label.follow();
  assert.equal(label.state().wanted, 'follower');
  assert.equal(replicas.replicas, null);
  await stop();
});
