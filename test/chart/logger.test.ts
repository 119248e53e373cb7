import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { loggerSettings, readConfig } from '../../src/config.ts';
import { reachableHost } from '../../src/logger/addresses.ts';
import {
  environment,
  find,
  get,
  onlyContainer,
  type Service,
  spec,
  type Workload,
} from '../support/manifests.ts';
import { type Manifest, type RenderOptions, render } from '../support/tools.ts';

const name = 'distributed-logger';
const fields = {
  'metadata.name': `${name}-0`,
  'metadata.namespace': 'default',
  'status.podIP': '10.244.1.7',
};

const statefulSet = (objects: Manifest[]): Workload => spec<Workload>(objects, 'StatefulSet', name);
const config = (objects: Manifest[]) => {
  const seen = environment(objects, onlyContainer(statefulSet(objects).template), fields);
  return { seen, read: readConfig(loggerSettings, seen) };
};
const renderWith = (logger: object, rest: RenderOptions = {}): Promise<Manifest[]> =>
  render({ ...rest, values: { ...rest.values, logger } });

describe('the loggers in the chart', () => {
  let objects: Manifest[];
  before(async () => {
    objects = await render();
  });

  it('get a configuration that the program accepts, in names that it knows', () => {
    const { seen, read } = config(objects);
    const known: string[] = Object.values(loggerSettings).map(({ variable }) => variable);
    assert.deepEqual(
      Object.keys(seen).filter((variable) => !known.includes(variable)),
      [],
    );
    assert.equal(read.id, `${name}-0`);
    assert.equal(read.cluster, name);
    assert.equal(read.apiUrl, null);
    assert.equal(read.podIp, '10.244.1.7');
    assert.equal(read.peerAddress, `${name}-0.${name}-headless:9090`);
    assert.equal(read.kubernetes, 'on');
    assert.equal(read.podName, `${name}-0`);
    assert.equal(read.namespace, 'default');
    assert.equal(read.statefulSet, name);
    assert.equal(read.dataDir, '/data');
    assert.deepEqual(
      read.consulUrls,
      [0, 1, 2].map((index) => `http://${name}-consul-${index}.${name}-consul:8500`),
    );
  });

  it('are named to each other by addresses that the headless Service gives them', () => {
    const { serviceName, replicas } = statefulSet(objects);
    const expected = Array.from({ length: replicas ?? 0 }, (_, index) => {
      const pod = `${name}-${index}`;
      return `${pod}=${pod}.${serviceName}:9090`;
    });
    assert.equal(expected.length, 3);
    const { read } = config(objects);
    assert.deepEqual(read.peers.split(','), expected);
    assert.equal(read.peers.split(',')[0], `${read.id}=${read.peerAddress}`);
    const headless = spec<Service>(objects, 'Service', String(serviceName));
    assert.equal(headless.clusterIP, 'None');
    assert.equal(headless.publishNotReadyAddresses, true);
  });

  it('show clients the way after a handover for longer than kube-proxy takes to renew its routes, in the shortest stop too', async () => {
    const KUBE_PROXY_MIN_SYNC_MS = 1000;
    const { read } = config(await renderWith({ terminationGracePeriodSeconds: 10 }));
    assert.ok(read.lingerMs > KUBE_PROXY_MIN_SYNC_MS, String(read.lingerMs));
    assert.ok(read.lingerMs < read.shutdownTimeoutMs / 2, String(read.shutdownTimeoutMs));
  });

  it('listen where the Services and probes look for them', () => {
    const container = onlyContainer(statefulSet(objects).template);
    const { read } = config(objects);
    assert.deepEqual(
      container.ports?.map(({ name: port, containerPort }) => [port, containerPort]),
      [
        ['http', read.apiPort],
        ['peer', read.peerPort],
        ['beat', read.beatPort],
      ],
    );
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      const { httpGet } = container[probe] as { httpGet: { path: string; port: string } };
      assert.deepEqual(httpGet, { path: probe === 'readinessProbe' ? '/readyz' : '/livez', port: 'http' });
    }
    assert.deepEqual(container.args, ['dist/logger/main.js']);
  });

  it('stop by themselves before Kubernetes kills them', async () => {
    for (const seconds of [30, 120]) {
      const other = await renderWith({ terminationGracePeriodSeconds: seconds });
      const { terminationGracePeriodSeconds } = statefulSet(other).template.spec;
      assert.equal(terminationGracePeriodSeconds, seconds);
      assert.equal(config(other).read.shutdownTimeoutMs, (seconds - 5) * 1000);
    }
  });

  it('find each other by a selector that matches their pods and no others', () => {
    const terms = config(objects)
      .read.podSelector.split(',')
      .map((term) => term.split('='));
    const labels = Object.fromEntries(terms) as Record<string, string>;
    assert.deepEqual(labels, statefulSet(objects).template.metadata.labels);
    const producer = spec<Workload>(objects, 'Deployment', `${name}-producer`);
    assert.notEqual(
      labels['app.kubernetes.io/component'],
      producer.template.metadata.labels?.['app.kubernetes.io/component'],
    );
  });

  it('keep their role label to themselves: only the leader Service speaks of it', () => {
    assert.equal(statefulSet(objects).template.metadata.labels?.['distributed-logger/role'], undefined);
    const leader = spec<Service>(objects, 'Service', `${name}-leader`);
    assert.equal(leader.selector['distributed-logger/role'], 'leader');
    assert.equal(leader.publishNotReadyAddresses, undefined);
    const { 'distributed-logger/role': _, ...loggers } = leader.selector;
    assert.deepEqual(spec<Service>(objects, 'Service', name).selector, loggers);
    assert.deepEqual(spec<Service>(objects, 'Service', `${name}-headless`).selector, loggers);
  });

  it('start side by side, one at a time is replaced, one at a time may be evicted', () => {
    const { podManagementPolicy, updateStrategy, minReadySeconds } = statefulSet(objects);
    assert.equal(podManagementPolicy, 'Parallel');
    assert.deepEqual(updateStrategy, { type: 'RollingUpdate' });
    assert.equal(minReadySeconds, 30);
    const budget = spec<{ maxUnavailable: number; selector: object }>(objects, 'PodDisruptionBudget', name);
    assert.equal(budget.maxUnavailable, 1);
    assert.deepEqual(budget.selector, statefulSet(objects).selector);
  });

  it('restart for a changed setting, but not for another number of them', async () => {
    const template = (of: Manifest[]) => JSON.stringify(statefulSet(of).template);
    assert.notEqual(template(await renderWith({ logLevel: 'debug' })), template(objects));
    const five = await renderWith({ replicas: 5 });
    assert.equal(template(five), template(objects));
    assert.equal(config(five).read.peers.split(',').length, 5);
  });

  it('may list pods, label their own few, write events and read their StatefulSet, nothing else', () => {
    const { rules } = get(objects, 'Role', name) as unknown as { rules: object[] };
    const podNames = Array.from({ length: 9 }, (_, index) => `${name}-${index}`);
    assert.deepEqual(rules, [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['pods'], resourceNames: podNames, verbs: ['patch'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create'] },
      { apiGroups: ['apps'], resources: ['statefulsets'], resourceNames: [name], verbs: ['get'] },
    ]);
    const binding = get(objects, 'RoleBinding', name) as unknown as { subjects: object[]; roleRef: object };
    assert.deepEqual(binding.subjects, [{ kind: 'ServiceAccount', name }]);
    assert.deepEqual(binding.roleRef, { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name });
    assert.equal(statefulSet(objects).template.spec.serviceAccountName, name);
  });

  it('run under an account of the user’s own, without the chart’s Role, when one is named', async () => {
    const other = await renderWith({ serviceAccountName: 'mine' });
    assert.equal(statefulSet(other).template.spec.serviceAccountName, 'mine');
    for (const kind of ['ServiceAccount', 'Role', 'RoleBinding'])
      assert.equal(find(other, kind, name), undefined);
  });

  it('are never more than they have the right to label', async () => {
    await assert.rejects(renderWith({ replicas: 10 }), /logger\.replicas is more than logger\.maxReplicas/);
    const { rules } = get(await renderWith({ replicas: 10, maxReplicas: 11 }), 'Role', name) as unknown as {
      rules: { resourceNames?: string[] }[];
    };
    assert.equal(rules[1]?.resourceNames?.length, 11);
  });

  it('prefer nodes and zones of their own, or insist on the nodes', async () => {
    const constraints = (of: Manifest[]) =>
      (
        statefulSet(of).template.spec.topologySpreadConstraints as {
          topologyKey: string;
          whenUnsatisfiable: string;
          labelSelector: { matchLabels: object };
        }[]
      ).map(({ topologyKey, whenUnsatisfiable, labelSelector }) => {
        assert.deepEqual(labelSelector.matchLabels, statefulSet(of).template.metadata.labels);
        return [topologyKey, whenUnsatisfiable];
      });
    const zone = ['topology.kubernetes.io/zone', 'ScheduleAnyway'];
    assert.deepEqual(constraints(objects), [zone, ['kubernetes.io/hostname', 'ScheduleAnyway']]);
    const strict = await renderWith({ topologySpread: 'DoNotSchedule' });
    assert.deepEqual(constraints(strict), [zone, ['kubernetes.io/hostname', 'DoNotSchedule']]);
  });

  it('take large numbers unchanged', async () => {
    const { read } = config(await renderWith({ retentionBytes: 999_999_999_999 }));
    assert.equal(read.retentionBytes, 999_999_999_999);
  });

  it('listen on all addresses of the pod, and are known by the one that it has, of IPv6 or of IPv4', () => {
    const container = onlyContainer(statefulSet(objects).template);
    for (const [podIp, host] of [
      ['10.244.1.7', '10.244.1.7'],
      ['fd00:10:244::7', '[fd00:10:244::7]'],
    ] as const) {
      const seen = environment(objects, container, { ...fields, 'status.podIP': podIp });
      const read = readConfig(loggerSettings, seen);
      assert.deepEqual([read.apiHost, read.peerHost, read.apiUrl], ['', '', null]);
      assert.equal(reachableHost(read.apiHost, read.podIp), host);
    }
  });

  it('take extra variables in place of the chart’s own, which stand above all that refers to them', async () => {
    const other = await renderWith({
      apiUrl: 'http://[$(DLOG_POD_IP)]:8080',
      extraEnv: [
        { name: 'ZONE', value: 'a' },
        { name: 'DLOG_LOG_LEVEL', value: 'trace' },
        { name: 'DLOG_PEER_ADDRESS', value: '$(DLOG_ID).$(ZONE).test:9090' },
        { name: 'DLOG_POD_NAME', value: 'other-0' },
        { name: 'ZONE', value: 'b' },
      ],
    });
    const container = onlyContainer(statefulSet(other).template);
    const names = container.env?.map((variable) => variable.name) ?? [];
    assert.deepEqual(names, [...new Set(names)]);
    const { logLevel, apiUrl, id, peerAddress } = readConfig(
      loggerSettings,
      environment(other, container, { ...fields, 'status.podIP': 'fd00::7' }),
    );
    assert.deepEqual(
      [logLevel, apiUrl, id, peerAddress],
      ['trace', 'http://[fd00::7]:8080', 'other-0', 'other-0.b.test:9090'],
    );
  });

  it('keep the log on a volume of the asked size and class', async () => {
    const claim = (of: Manifest[]) => statefulSet(of).volumeClaimTemplates?.[0]?.spec;
    assert.deepEqual(claim(objects), {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '8Gi' } },
    });
    const other = await renderWith({ persistence: { size: '20Gi', storageClass: 'fast' } });
    assert.deepEqual(claim(other), {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'fast',
      resources: { requests: { storage: '20Gi' } },
    });
  });
});
