// The label keeper on a real API server: real pods, real resourceVersions, a real Service behind the label. The keepers
// run here, as whoever KUBECONFIG says; the pods do nothing.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../../src/kubernetes/client.ts';
import { PodLabelKeeper } from '../../src/kubernetes/keeper.ts';
import { StatefulSetReplicas } from '../../src/kubernetes/replicas.ts';
import { eventually, Namespace } from '../support/cluster.ts';
import { until } from '../support/until.ts';

const DEADLINE_MS = 60_000;
const RESYNC_MS = 200;
const TAKEOVERS = 20;
const LOGGERS = ['logger-0', 'logger-1', 'logger-2'];
const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10';
const labels = { app: 'logger' };

const podTemplate = {
  metadata: { labels },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'pause', image: PAUSE_IMAGE }] },
};
const statefulSet = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'logger' },
  spec: {
    replicas: LOGGERS.length,
    serviceName: 'logger',
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: labels },
    template: podTemplate,
  },
};
const leaderService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'leader' },
  spec: { selector: { ...labels, 'distributed-logger/role': 'leader' }, ports: [{ port: 8080 }] },
};

interface PodList {
  items: {
    metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
  }[];
}
interface EndpointSlices {
  items: { endpoints: { targetRef: { name: string }; conditions: { ready: boolean } }[] | null }[];
}
interface Events {
  items: { reason: string; involvedObject: { name: string } }[];
}

describe('leader label on a real API server', () => {
  let namespace: Namespace;
  let api: ApiClient;
  const keepers = new Map<string, PodLabelKeeper>();
  const patchSeconds: number[] = [];

  const keeperOf = (podName: string) =>
    new PodLabelKeeper({
      api,
      podName,
      resyncMs: RESYNC_MS,
      hooks: {
        onPatch: ({ result, seconds }) => void (result === 'ok' && patchSeconds.push(seconds)),
        onCall() {},
        onSync() {},
        onError: (error) => error !== null && console.log(`${podName}: ${error}`),
      },
    });
  const keeper = (podName: string): PodLabelKeeper => {
    const found = keepers.get(podName);
    assert.ok(found, podName);
    return found;
  };
  const inSync = (podName: string) =>
    eventually(`${podName} is in sync`, DEADLINE_MS, async () => keeper(podName).state().inSync || undefined);

  /** Name to role and epoch, as the API server has it. */
  async function view(): Promise<Record<string, string>> {
    const { items } = await namespace.get<PodList>('pods', '--selector=app=logger');
    return Object.fromEntries(
      items.map(({ metadata: { name, labels: own, annotations } }) => [
        name,
        `${own['distributed-logger/role']}@${annotations?.['distributed-logger/epoch'] ?? 0}`,
      ]),
    );
  }

  /** The pods that the leader Service routes to. */
  async function routed(): Promise<string[]> {
    const slices = await namespace.get<EndpointSlices>(
      'endpointslices',
      '--selector=kubernetes.io/service-name=leader',
    );
    return slices.items.flatMap(({ endpoints }) =>
      (endpoints ?? []).filter(({ conditions }) => conditions.ready).map(({ targetRef }) => targetRef.name),
    );
  }

  before(async () => {
    namespace = await Namespace.create('dlog-label');
    await namespace.apply(statefulSet, leaderService);
    await namespace.kubectl(['rollout', 'status', 'statefulset/logger', `--timeout=${DEADLINE_MS}ms`]);
    api = new ApiClient({
      namespace: namespace.name,
      podSelector: 'app=logger',
      load: (kubeConfig) => kubeConfig.loadFromDefault(),
    });
    for (const name of LOGGERS) keepers.set(name, keeperOf(name));
    await Promise.all([...keepers.values()].map((each) => each.start()));
  });

  after(async () => {
    await Promise.all([...keepers.values()].map((each) => each.stop()));
    await api.close();
    await namespace[Symbol.asyncDispose]();
  });

  test('every logger starts as a follower, and the leader Service routes nowhere', async () => {
    assert.deepEqual(await view(), {
      'logger-0': 'follower@0',
      'logger-1': 'follower@0',
      'logger-2': 'follower@0',
    });
    assert.deepEqual(await routed(), []);
  });

  test('a leader that died keeps no label: the next one takes it off', async () => {
    keeper('logger-0').lead(1);
    await inSync('logger-0');
    assert.deepEqual(await view(), {
      'logger-0': 'leader@1',
      'logger-1': 'follower@1',
      'logger-2': 'follower@1',
    });
    await eventually('the Service routes to it', DEADLINE_MS, async () =>
      (await routed()).join() === 'logger-0' ? true : undefined,
    );
    // The old one says nothing: it neither follows nor stops.
    keeper('logger-1').lead(2);
    await inSync('logger-1');
    assert.deepEqual(await view(), {
      'logger-0': 'follower@2',
      'logger-1': 'leader@2',
      'logger-2': 'follower@2',
    });
    await eventually('the old one has seen it', DEADLINE_MS, async () =>
      keeper('logger-0').state().error === 'epoch 2 was decided by another logger' ? true : undefined,
    );
    await namespace.show('logger-1 leads epoch 2, logger-0 died leading epoch 1', 'app=logger');
  });

  test('a new pod in the place of an old one is labelled again', async () => {
    await namespace.kubectl(['delete', 'pod', 'logger-2']);
    await eventually('the new pod is stamped', DEADLINE_MS, async () =>
      (await view())['logger-2'] === 'follower@2' ? true : undefined,
    );
    await namespace.kubectl(['delete', 'pod', 'logger-1']);
    await eventually('the leader finds its new pod', DEADLINE_MS, async () =>
      (await view())['logger-1'] === 'leader@2' ? true : undefined,
    );
  });

  test('leaders that overtake each other at once leave the newest alone labelled', async () => {
    const [first, second, third] = LOGGERS.map(keeper);
    first?.lead(10);
    third?.lead(12);
    second?.lead(11);
    await inSync('logger-2');
    await eventually('one label is left', DEADLINE_MS, async () => {
      assert.deepEqual(await view(), {
        'logger-0': 'follower@12',
        'logger-1': 'follower@12',
        'logger-2': 'leader@12',
      });
      return true;
    });
    for (const each of [first, second, third]) each?.follow();
    await Promise.all(LOGGERS.map(inSync));
    assert.deepEqual(Object.values(await view()), ['follower@12', 'follower@12', 'follower@12']);
  });

  test('the wanted number of loggers is read from the StatefulSet', async () => {
    const reader = new StatefulSetReplicas({ api, statefulSet: 'logger', resyncMs: RESYNC_MS });
    reader.start();
    try {
      await eventually('3 are wanted', DEADLINE_MS, async () => (reader.replicas === 3 ? true : undefined));
      await namespace.kubectl(['scale', 'statefulset/logger', '--replicas=4']);
      await eventually('4 are wanted', DEADLINE_MS, async () => (reader.replicas === 4 ? true : undefined));
      await namespace.kubectl(['scale', 'statefulset/logger', '--replicas=3']);
      await namespace.kubectl(['wait', '--for=delete', 'pod/logger-3', `--timeout=${DEADLINE_MS}ms`]);
    } finally {
      await reader.stop();
    }
  });

  test('elections, losses and changes of the members are events of the pod', async () => {
    const change = { epoch: 1, revision: 1, member: 'logger-3' };
    keeper('logger-2').tell({ reason: 'MemberAdded', ...change });
    keeper('logger-2').tell({ reason: 'MemberRemoved', ...change });
    const wanted = ['LeaderElected', 'LeaderLost', 'MemberAdded', 'MemberRemoved'];
    const elected = await eventually('all four events', DEADLINE_MS, async () => {
      const { items } = await namespace.get<Events>(
        'events',
        '--field-selector=involvedObject.name=logger-2',
      );
      const reasons = new Set(items.map(({ reason }) => reason));
      return wanted.every((reason) => reasons.has(reason)) ? reasons : undefined;
    });
    assert.ok(elected.size >= wanted.length);
  });

  test(`${TAKEOVERS} takeovers: how long the label and the route take`, async () => {
    patchSeconds.length = 0;
    const labelledMs: number[] = [];
    const routedMs: number[] = [];
    await using routes = new Routes(namespace);
    for (let takeover = 0; takeover < TAKEOVERS; takeover++) {
      for (const each of keepers.values()) each.follow();
      await until('the Service routes nowhere', () => routes.now === '');
      // As in life, each has looked again since the last takeover.
      await sleep(2 * RESYNC_MS);
      const name = LOGGERS[takeover % LOGGERS.length]!;
      const beganMs = performance.now();
      keeper(name).lead(100 + takeover);
      await until(`${name} is labelled`, () => keeper(name).state().observed === 'leader');
      labelledMs.push(performance.now() - beganMs);
      await until(`the Service routes to ${name} alone`, () => routes.now === name);
      routedMs.push(routes.changedAtMs - beganMs);
      await inSync(name);
    }
    console.log(`from lead() to the own pod's label:   ${summary(labelledMs)}`);
    console.log(`from lead() to the EndpointSlice:     ${summary(routedMs)}`);
    console.log(
      `one patch, of ${patchSeconds.length}: ${summary(patchSeconds.map((seconds) => seconds * 1000))}`,
    );
  });
});

function summary(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, p90 ${at(0.9)} ms, most ${at(1)} ms`;
}

/** Where the leader Service routes to, as a watch tells it. */
class Routes implements AsyncDisposable {
  now = '';
  changedAtMs = 0;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(namespace: Namespace) {
    const template = '{{range .endpoints}}{{.targetRef.name}} {{end}}{{"\\n"}}';
    const what = ['get', 'endpointslices', '--selector=kubernetes.io/service-name=leader', '--watch'];
    const args = ['--namespace', namespace.name, ...what, '--output', `go-template=${template}`];
    const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    this.#closed = once(child, 'close');
    createInterface(child.stdout).on('line', (line) => {
      this.now = line.trim();
      this.changedAtMs = performance.now();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#closed;
  }
}
