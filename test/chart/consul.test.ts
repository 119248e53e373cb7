import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loggerSettings, readConfig } from '../../src/config.ts';
import {
  environment,
  get,
  onlyContainer,
  pods,
  type Service,
  spec,
  type Workload,
} from '../support/manifests.ts';
import { type Manifest, type RenderOptions, render } from '../support/tools.ts';

const name = 'distributed-logger-consul';
const external = { enabled: false, externalUrls: ['http://consul-a:8500', 'https://consul-b:8501'] };
const fields = { 'metadata.name': 'x-0', 'metadata.namespace': 'logs', 'status.podIP': '10.0.0.1' };

const loggerConfig = async (options: RenderOptions) => {
  const objects = await render(options);
  const made = pods(objects).map(([, template]) => template);
  const logger = made.find(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'logger');
  assert.ok(logger);
  return readConfig(loggerSettings, environment(objects, onlyContainer(logger), fields));
};
const serverConfig = (objects: Manifest[], file = 'server.json') => {
  const { data } = get(objects, 'ConfigMap', name) as unknown as { data: Record<string, string> };
  return JSON.parse(data[file] ?? '') as Record<string, unknown>;
};

describe('Consul in the chart', () => {
  it('is as many servers as asked, which wait for each other and find each other by name', async () => {
    for (const replicas of [1, 3, 5]) {
      const objects = await render({ values: { consul: { replicas } } });
      const statefulSet = spec<Workload>(objects, 'StatefulSet', name);
      assert.equal(statefulSet.replicas, replicas);
      assert.equal(statefulSet.podManagementPolicy, 'Parallel');
      const server = serverConfig(objects);
      assert.equal(server.bootstrap_expect, replicas);
      // Else one that comes back with another address is removed meanwhile: `node drain` in test/faults found it out for good.
      assert.deepEqual(serverConfig(objects, 'bootstrap.json'), { autopilot: { min_quorum: replicas } });
      assert.deepEqual(server.retry_join, [statefulSet.serviceName]);
      const service = spec<Service>(objects, 'Service', String(statefulSet.serviceName));
      assert.equal(service.clusterIP, 'None');
      assert.equal(service.publishNotReadyAddresses, true);
      const { consulUrls } = await loggerConfig({ values: { consul: { replicas } } });
      assert.deepEqual(
        consulUrls,
        Array.from({ length: replicas }, (_, index) => `http://${name}-${index}.${name}:8500`),
      );
    }
  });

  it('elects fast, keeps its members over a restart and hands over before it stops', async () => {
    const objects = await render();
    const server = serverConfig(objects);
    assert.deepEqual(server.performance, { raft_multiplier: 1 });
    assert.equal(server.leave_on_terminate, false);
    const container = onlyContainer(spec<Workload>(objects, 'StatefulSet', name).template);
    assert.match(JSON.stringify(container.lifecycle), /transfer-leader/);
  });

  it('restarts for a changed configuration', async () => {
    const checksum = (objects: Manifest[]) =>
      spec<Workload>(objects, 'StatefulSet', name).template.metadata.annotations?.['checksum/config'];
    assert.notEqual(
      checksum(await render()),
      checksum(await render({ values: { consul: { replicas: 5 } } })),
    );
  });

  it('is the asked image, run as the official image’s user', async () => {
    const objects = await render({
      values: { consul: { image: { repository: 'registry.test:5000/consul', tag: '1.20.1' } } },
    });
    const { template } = spec<Workload>(objects, 'StatefulSet', name);
    assert.equal(onlyContainer(template).image, 'registry.test:5000/consul:1.20.1');
    assert.equal(template.spec.securityContext?.runAsUser, 100);
    assert.equal(template.spec.securityContext?.fsGroup, 1000);
  });

  it('may lose one server at a time', async () => {
    const objects = await render();
    const budget = spec<{ maxUnavailable: number; selector: object }>(objects, 'PodDisruptionBudget', name);
    assert.equal(budget.maxUnavailable, 1);
    assert.deepEqual(budget.selector, spec<Workload>(objects, 'StatefulSet', name).selector);
  });

  it('can be one that is there already: nothing of its own then, and its addresses for the loggers', async () => {
    const objects = await render({ values: { consul: external } });
    const left = objects.filter(
      (object) => object.metadata.labels?.['app.kubernetes.io/component'] === 'consul',
    );
    assert.deepEqual(left, []);
    const { consulUrls } = await loggerConfig({ values: { consul: external } });
    assert.deepEqual(consulUrls, external.externalUrls);
  });

  it('keeps releases of one name in two namespaces apart where they share it', async () => {
    const options = { namespace: 'logs', release: 'x' };
    const own = await loggerConfig(options);
    assert.equal(own.cluster, 'x-distributed-logger');
    const shared = await loggerConfig({ ...options, values: { consul: external } });
    assert.equal(shared.cluster, 'logs-x-distributed-logger');
    const chosen = { ...options, values: { consul: external, logger: { cluster: 'audit' } } };
    assert.equal((await loggerConfig(chosen)).cluster, 'audit');
    const long = { ...options, namespace: 'n'.repeat(60), values: { consul: external } };
    await assert.rejects(render(long), /logger\.cluster must be set/);
  });

  it('is given the loggers’ token from a Secret, as a file, so that it can be replaced', async () => {
    const tokenSecret = { name: 'consul-acl', key: 'loggers' };
    const objects = await render({ values: { consul: { ...external, tokenSecret } } });
    const { template } = spec<Workload>(objects, 'StatefulSet', 'distributed-logger');
    const seen = environment(objects, onlyContainer(template), fields);
    assert.equal(seen.DLOG_CONSUL_TOKEN_FILE, '/secrets/consul-token/loggers');
    const volumes = template.spec.volumes as { name: string; secret: object }[];
    assert.deepEqual(volumes.find(({ name: volume }) => volume === 'consul-token')?.secret, {
      secretName: 'consul-acl',
      defaultMode: 0o440,
      items: [{ key: 'loggers', path: 'loggers' }],
    });
  });

  it('keeps its servers on nodes of their own, or prefers it', async () => {
    for (const topologySpread of ['ScheduleAnyway', 'DoNotSchedule']) {
      const objects = await render({ values: { consul: { topologySpread } } });
      const constraints = spec<Workload>(objects, 'StatefulSet', name).template.spec
        .topologySpreadConstraints as { topologyKey: string; whenUnsatisfiable: string }[];
      assert.deepEqual(
        constraints.map((each) => [each.topologyKey, each.whenUnsatisfiable]),
        [
          ['topology.kubernetes.io/zone', 'ScheduleAnyway'],
          ['kubernetes.io/hostname', topologySpread],
        ],
      );
    }
  });
});
