// `--kube` against a double of the API server whose port-forwards lead to real APIs: how loggers are found, how redirects to
// addresses of the cluster's inside are followed, and what is told when it does not work.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CliError } from '../../../../src/cli/cli-error.ts';
import { KubeLoggers, type KubeOptions } from '../../../../src/cli/kube/index.ts';
import { LogClient, Producer } from '../../../../src/client/index.ts';
import { startApi } from '../../../support/api.ts';
import { runCli } from '../../../support/cli.ts';
import { KubeForwardDouble, NAMESPACE } from '../../../support/kube-forward.ts';
import { until } from '../../../support/until.ts';

const never = new AbortController().signal;
const anywhere: KubeOptions = { namespace: null, context: null, release: null, selector: null };

async function open(t: TestContext, double: KubeForwardDouble, options: Partial<KubeOptions> = {}) {
  const loggers = await KubeLoggers.open({ ...anywhere, ...options }, never, double.load);
  t.after(() => loggers.close());
  return loggers;
}

/** A leader and a follower that names it by its address. */
async function twoLoggers(t: TestContext) {
  const double = await KubeForwardDouble.start(t);
  const [leader, follower] = [await startApi(t), await startApi(t)];
  double.pods.push({ name: 'demo-0', ip: '10.0.0.10', port: follower.port });
  double.pods.push({ name: 'demo-1', ip: '10.0.0.11', port: leader.port });
  follower.service.follow({ id: 'demo-1', api: 'http://10.0.0.11:8080' });
  return { double, leader, follower };
}

const refusal = async (opening: Promise<unknown>): Promise<CliError> => {
  const error = await opening.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CliError, String(error));
  return error;
};

test('loggers are found by the labels of the chart, and called by names that last', async (t) => {
  const double = await KubeForwardDouble.start(t);
  double.pods.push({ name: 'demo-0', ip: '10.0.0.10', port: 1, ready: false });
  double.pods.push({ name: 'demo-1', ip: '10.0.0.11', port: 1 });
  double.pods.push({ name: 'demo-old', ip: '10.0.0.12', port: 1, phase: 'Failed' });
  double.pods.push({ name: 'demo-2', ip: '10.0.0.13', port: 1, scheme: 'HTTPS' });
  const { targets } = await open(t, double);
  assert.deepEqual(targets, [
    'http://demo-1.loggers.logs.svc:8080',
    'https://demo-2.loggers.logs.svc:8080',
    'http://demo-0.loggers.logs.svc:8080',
  ]);
  await open(t, double, { release: 'demo' });
  await open(t, double, { selector: 'app=mine' });
  const ours = 'app.kubernetes.io/name=distributed-logger,app.kubernetes.io/component=logger';
  assert.deepEqual(double.selectors, [ours, `${ours},app.kubernetes.io/instance=demo`, 'app=mine']);
});

test('a redirect to the address of a pod is followed through a forward of its own', async (t) => {
  const { double, leader } = await twoLoggers(t);
  const { targets, dial } = await open(t, double);
  const producer = new Producer({ target: targets, dial });
  const { offset, attempts } = await producer.send(['one', 'x'.repeat(10_000)]);
  assert.deepEqual([offset, attempts], [0, 2]);
  assert.equal(leader.service.values.length, 2);
  assert.deepEqual(double.forwards.slice(0, 2), ['demo-0', 'demo-1']);
  const { records } = await producer.client.read({ linearizable: true });
  assert.equal(records[1]?.value.length, 10_000);
  await producer.close();
  await until('every forward ends with its connection', () => double.openForwards === 0);
});

test('a pod that is made anew is found at its new address', async (t) => {
  const { double, leader, follower } = await twoLoggers(t);
  const { targets, dial } = await open(t, double);
  const producer = new Producer({ target: targets, dial, retryMaxMs: 50 });
  t.after(() => producer.close());
  await producer.send('one');
  // The address that the leader had is another pod's now.
  [double.pods[0]!.ip, double.pods[1]!.ip] = ['10.0.0.11', '10.0.0.99'];
  follower.service.follow({ id: 'demo-1', api: 'http://10.0.0.99:8080' });
  double.cutAll();
  await producer.send('two');
  assert.deepEqual(leader.service.values, ['one', 'two']);
});

test('a reader that follows goes on after its forwards break', async (t) => {
  const { double, leader } = await twoLoggers(t);
  double.pods.splice(0, 1);
  const { targets, dial } = await open(t, double);
  const client = new LogClient({ target: targets, dial, retryMaxMs: 50 });
  t.after(() => client.close());
  const seen: unknown[] = [];
  const ending = new AbortController();
  const following = (async () => {
    for await (const { value } of client.follow({ signal: ending.signal })) seen.push(value);
  })();
  leader.service.fill('one');
  await until('the first is read', () => seen.length === 1);
  double.cutAll();
  leader.service.fill('two');
  await until('the second is read', () => seen.length === 2);
  ending.abort();
  await following;
  assert.deepEqual(seen, ['one', 'two']);
});

test('a forward that is not answered costs its time and no more: another logger is asked', async (t) => {
  const { double, leader } = await twoLoggers(t);
  const { targets, dial } = await open(t, double);
  double.forwardFault = 'hang';
  const client = new LogClient({ target: targets, dial, connectTimeoutMs: 100 });
  t.after(() => client.close());
  const asked = client.status();
  await until('both were tried', () => double.forwards.includes('demo-1'));
  double.forwardFault = null;
  assert.equal((await asked).cluster, leader.service.status().cluster);
});

test('what the kubelet says of a port that refuses is passed on', async (t) => {
  const double = await KubeForwardDouble.start(t);
  double.pods.push({ name: 'demo-0', ip: '10.0.0.10', port: null });
  const { targets, dial } = await open(t, double);
  const details: string[] = [];
  const client = new LogClient({ target: targets, dial, onRetry: ({ detail }) => void details.push(detail) });
  t.after(() => client.close());
  await assert.rejects(client.status({ signal: AbortSignal.timeout(300) }), { code: 'aborted' });
  assert.match(details.join('\n'), /port-forward to pod demo-0: connection refused/);
});

test('a stranger’s address is not forwarded to', async (t) => {
  const { double } = await twoLoggers(t);
  const { dial } = await open(t, double);
  await assert.rejects(
    dial('10.9.9.9', 8080, never),
    /no logger's pod in namespace logs has the address 10.9.9.9/,
  );
  await assert.rejects(dial('example.com', 8080, never), /has the address example.com/);
  assert.deepEqual(double.forwards, []);
});

test('what is wrong with the cluster, the context or the release is told at once', async (t) => {
  const double = await KubeForwardDouble.start(t);
  const nobody = await refusal(open(t, double, { release: 'demo' }));
  assert.equal(nobody.code, 'kube-no-loggers');
  assert.match(nobody.message, /^no pod in namespace logs of context test has the labels .*instance=demo$/);
  double.pods.push({ name: 'a-0', ip: '10.0.0.1', port: 1, release: 'a' });
  double.pods.push({ name: 'b-0', ip: '10.0.0.2', port: 1, release: 'b' });
  const several = await refusal(open(t, double));
  assert.equal(several.code, 'kube-several-releases');
  assert.match(several.message, /releases a, b$/);
  const context = await refusal(open(t, double, { context: 'prod' }));
  assert.equal(context.code, 'kube-config');
  assert.match(context.message, /no context "prod" with a cluster: it has test$/);
  double.listFault = 403;
  const forbidden = await refusal(open(t, double));
  assert.equal(forbidden.code, 'kube-refused');
  assert.match(forbidden.message, /list pods in namespace logs: HTTP 403, made to fail/);
  double.listFault = 'hang';
  const stopping = AbortSignal.timeout(100);
  await assert.rejects(KubeLoggers.open(anywhere, stopping, double.load), { name: 'TimeoutError' });
  const unreachable = await refusal(
    KubeLoggers.open(anywhere, never, (kubeConfig) => {
      double.load(kubeConfig);
      Object.assign(kubeConfig.getCurrentCluster() ?? {}, { server: 'http://127.0.0.1:1' });
    }),
  );
  assert.equal(unreachable.code, 'kube-unreachable');
});

/** A kubeconfig file for the double. */
async function kubeConfigFile(t: TestContext, double: KubeForwardDouble): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'dlog-kube-test-'));
  t.after(() => rm(directory, { recursive: true }));
  const { KubeConfig } = await import('@kubernetes/client-node');
  const kubeConfig = new KubeConfig();
  double.load(kubeConfig);
  const file = join(directory, 'config');
  await writeFile(file, kubeConfig.exportConfig());
  return file;
}

test('dlog --kube, from a kubeconfig to the records', async (t) => {
  const { double, leader } = await twoLoggers(t);
  const environment = { KUBECONFIG: await kubeConfigFile(t, double) };
  const produced = await runCli(['produce', 'one', 'two', '--kube', '-n', NAMESPACE], { environment });
  assert.equal(produced.code, 0, produced.errors);
  assert.deepEqual(leader.service.values, ['one', 'two']);
  const status = await runCli(['status', '--kube', '--json'], { environment });
  assert.equal(JSON.parse(status.output).id, 'logger-0', status.errors);
});

test('dlog --kube ends at once where port-forwards are forbidden, and says what is missing', async (t) => {
  const { double } = await twoLoggers(t);
  const environment = { KUBECONFIG: await kubeConfigFile(t, double) };
  double.forwardFault = 403;
  const { code, output, errors } = await runCli(['members', '--kube', '--json'], { environment });
  const { error } = JSON.parse(errors);
  assert.deepEqual([code, output, error.code, error.exitCode], [1, '', 'kube-refused', 1]);
  assert.match(error.message, /answers 403 to a port-forward to pod demo-\d/);
  assert.match(error.hint, /pods\/portforward/);
  const none = await runCli(['members', '--kube'], { environment: { KUBECONFIG: '/nowhere/config' } });
  assert.equal(none.code, 1);
  assert.match(
    none.errors,
    /^dlog: the kubeconfig cannot be read: .*\/nowhere\/config.*\nhint: name a kubeconfig by/,
  );
});
