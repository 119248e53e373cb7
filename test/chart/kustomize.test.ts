import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { readBase, renderBase } from '../../scripts/render.ts';
import { environment, find, onlyContainer, spec, type Workload } from '../support/manifests.ts';
import { conformityProblems, kustomize, manifests } from '../support/tools.ts';

const name = 'distributed-logger';

describe('the kustomize base', () => {
  it('is what the chart makes: run npm run render', async () => {
    const [wanted, present] = [await renderBase(), await readBase()];
    assert.deepEqual([...present.keys()].sort(), [...wanted.keys()].sort());
    for (const [path, content] of wanted) assert.equal(present.get(path), content, path);
  });

  it('names no namespace and does not claim to be managed by Helm', async () => {
    const text = await kustomize('k8s/base');
    assert.deepEqual(await conformityProblems(text), []);
    for (const { metadata } of manifests(text)) {
      assert.equal(metadata.namespace, undefined, metadata.name);
      assert.equal(metadata.labels?.['app.kubernetes.io/managed-by'], undefined, metadata.name);
    }
  });
});

describe('the kustomize overlays', () => {
  it('are valid, whole, and in a namespace that admits no privileged pod', async () => {
    for (const [overlay, namespace] of [
      ['dev', 'distributed-logger-dev'],
      ['prod', 'distributed-logger'],
    ] as const) {
      const text = await kustomize(`k8s/overlays/${overlay}`);
      assert.deepEqual(await conformityProblems(text), [], overlay);
      const objects = manifests(text);
      const made = find(objects, 'Namespace', namespace);
      assert.equal(made?.metadata.labels?.['pod-security.kubernetes.io/enforce'], 'restricted');
      for (const { kind, metadata } of objects)
        if (kind !== 'Namespace') assert.equal(metadata.namespace, namespace, metadata.name);
    }
  });

  it('dev: more log, more messages, quick rollouts', async () => {
    const objects = manifests(await kustomize('k8s/overlays/dev'));
    const loggers = spec<Workload>(objects, 'StatefulSet', name);
    assert.equal(loggers.minReadySeconds, 0);
    assert.equal(onlyContainer(loggers.template).image, 'distributed-logger:dev');
    const fields = { 'metadata.name': 'x', 'metadata.namespace': 'x', 'status.podIP': 'x' };
    const seen = environment(objects, onlyContainer(loggers.template), fields);
    assert.equal(seen.DLOG_LOG_LEVEL, 'debug');
    assert.equal(seen.DLOG_STATEFULSET, name);
    const producer = spec<Workload>(objects, 'Deployment', `${name}-producer`);
    assert.equal(environment(objects, onlyContainer(producer.template), {}).DLOG_RATE, '1');
  });

  it('prod: spread over nodes, retention below the volume’s size, no example producer', async () => {
    const objects = manifests(await kustomize('k8s/overlays/prod'));
    for (const set of [name, `${name}-consul`]) {
      const constraints = spec<Workload>(objects, 'StatefulSet', set).template.spec
        .topologySpreadConstraints as { topologyKey: string; whenUnsatisfiable: string }[];
      const hosts = constraints.find(({ topologyKey }) => topologyKey === 'kubernetes.io/hostname');
      assert.equal(hosts?.whenUnsatisfiable, 'DoNotSchedule', set);
    }
    const loggers = spec<Workload>(objects, 'StatefulSet', name);
    const fields = { 'metadata.name': 'x', 'metadata.namespace': 'x', 'status.podIP': 'x' };
    const seen = environment(objects, onlyContainer(loggers.template), fields);
    const claim = JSON.stringify(loggers.volumeClaimTemplates);
    const [, gibibytes] = /"storage":"(\d+)Gi"/.exec(claim) ?? [];
    assert.ok(Number(seen.DLOG_RETENTION_BYTES) < Number(gibibytes) * 1024 ** 3);
    assert.equal(find(objects, 'Deployment', `${name}-producer`), undefined);
    assert.equal(find(objects, 'ServiceAccount', `${name}-producer`), undefined);
  });
});

describe('k8s/kind.yaml', () => {
  it('has three workers, each in a zone of its own', async () => {
    const cluster = parse(await readFile('k8s/kind.yaml', 'utf8')) as {
      kind: string;
      apiVersion: string;
      nodes: { role: string; labels?: Record<string, string> }[];
    };
    assert.deepEqual([cluster.apiVersion, cluster.kind], ['kind.x-k8s.io/v1alpha4', 'Cluster']);
    assert.equal(cluster.nodes.filter(({ role }) => role === 'control-plane').length, 1);
    const zones = cluster.nodes
      .filter(({ role }) => role === 'worker')
      .map(({ labels }) => labels?.['topology.kubernetes.io/zone']);
    assert.equal(zones.length, 3);
    assert.equal(new Set(zones).size, 3);
  });
});
