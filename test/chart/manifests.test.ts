// What holds for every object that the chart makes, under every switch: it is valid Kubernetes, and its pods meet the
// restricted Pod Security Standard.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { onlyContainer, pods } from '../support/manifests.ts';
import { restrictedViolations } from '../support/pod-security.ts';
import {
  chartDirectory,
  conformityProblems,
  manifests,
  type RenderOptions,
  renderText,
} from '../support/tools.ts';

const { version } = parse(await readFile(`${chartDirectory}/Chart.yaml`, 'utf8')) as { version: string };
const secure = parse(await readFile(`${chartDirectory}/values-secure.yaml`, 'utf8')) as Record<
  string,
  object
>;

const scheduling = {
  nodeSelector: { disk: 'fast' },
  tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'logs', effect: 'NoSchedule' }],
  podAnnotations: { 'example.com/a': 'b' },
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: 2, memory: '2Gi' } },
};
const variants: Record<string, RenderOptions> = {
  'as it comes': {},
  'under a long release name': { release: `with.a.dot-${'long-'.repeat(8)}ng` },
  'under a name whose 42nd character is a dash': { release: `${'long'.repeat(10)}a--b` },
  'one of each': { values: { logger: { replicas: 1 }, consul: { replicas: 1 } } },
  'no loggers for now': { values: { logger: { replicas: 0 } } },
  'Consul elsewhere, no producer': {
    values: {
      consul: { enabled: false, externalUrls: ['http://consul:8500'], tokenSecret: { name: 'acl' } },
      producer: { enabled: false },
    },
  },
  'all of security on': { values: secure },
  'under a long release name, with all of security': {
    release: `with.a.dot-${'long-'.repeat(8)}ng`,
    values: secure,
  },
  'every switch on': {
    namespace: 'logs',
    values: {
      fullnameOverride: 'audit',
      image: { repository: 'registry.test:5000/logger', tag: '1.2.3', pullPolicy: 'Always' },
      imagePullSecrets: [{ name: 'registry' }],
      logger: {
        ...scheduling,
        extraEnv: [
          { name: 'DLOG_MAX_READERS', value: '5' },
          { name: 'DLOG_ID', value: 'x-$(DLOG_POD_NAME)' },
        ],
        topologySpread: 'DoNotSchedule',
      },
      leaderService: { name: 'front', type: 'LoadBalancer', annotations: { 'example.com/internal': 'true' } },
      producer: { ...scheduling, extraEnv: [{ name: 'DLOG_RATE', value: '5' }] },
      consul: { ...scheduling, persistence: { size: '2Gi', storageClass: 'fast' } },
      monitoring: {
        enabled: true,
        interval: '5s',
        labels: { release: 'prometheus' },
        rules: { enabled: true, labels: { release: 'prometheus' }, thresholds: { slowFsyncSeconds: 0.5 } },
        dashboard: { enabled: true, annotations: { grafana_folder: 'Logs' } },
      },
    },
  },
};

/** Lists that an API server merges by a key, and that key. */
const KEYED: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  env: ['name'],
  imagePullSecrets: ['name'],
  ports: ['containerPort', 'port', 'protocol'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
};

/** What stands twice under one key, however deep, as `env DLOG_RATE`. */
function keysTwice(value: unknown, field = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, one]) =>
    keysTwice(one, Array.isArray(value) ? '' : name),
  );
  const key = KEYED[field];
  if (!Array.isArray(value) || key === undefined) return inner;
  const keys = value.map((one: Record<string, unknown>) => key.map((name) => one[name] ?? '').join(' '));
  return [
    ...inner,
    ...keys.filter((each, at) => keys.indexOf(each) !== at).map((each) => `${field} ${each}`),
  ];
}

for (const [variant, options] of Object.entries(variants)) {
  describe(`the chart, ${variant}`, async () => {
    const text = await renderText(options);
    const objects = manifests(text);

    it('is valid to Kubernetes, with no field that it does not know', async () => {
      assert.deepEqual(await conformityProblems(text), []);
    });

    it('has no list with one key twice, which a server-side apply refuses', () => {
      assert.deepEqual(keysTwice(objects), []);
    });

    it('labels every object and names none twice', () => {
      const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      assert.deepEqual(names, [...new Set(names)]);
      for (const { kind, metadata } of objects) {
        const { labels = {} } = metadata;
        const of = `${kind}/${metadata.name}`;
        assert.equal(labels['app.kubernetes.io/name'], 'distributed-logger', of);
        assert.equal(labels['app.kubernetes.io/instance'], options.release ?? 'distributed-logger', of);
        assert.match(
          labels['app.kubernetes.io/component'] ?? '',
          /^(logger|producer|consul|acl|monitoring|test)$/,
          of,
        );
        assert.equal(labels['app.kubernetes.io/managed-by'], 'Helm', of);
        assert.equal(labels['helm.sh/chart'], `distributed-logger-${version}`, of);
        // A StatefulSet adds a hash to its name and puts that into a label, where 63 characters are the limit.
        assert.ok(metadata.name.length <= 52, `${of} is too long a name`);
      }
    });

    it('runs nothing with rights that it does not need', () => {
      const made = pods(objects);
      assert.ok(made.length >= 2);
      for (const [owner, template] of made) {
        const { spec } = template;
        const container = onlyContainer(template);
        assert.deepEqual(restrictedViolations(spec), [], owner);
        assert.equal(spec.securityContext?.runAsNonRoot, true, owner);
        assert.ok(Number(spec.securityContext?.runAsUser) > 0, owner);
        assert.deepEqual(spec.securityContext?.seccompProfile, { type: 'RuntimeDefault' }, owner);
        assert.deepEqual(
          container.securityContext,
          {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          owner,
        );
        const isLogger = template.metadata.labels?.['app.kubernetes.io/component'] === 'logger';
        assert.equal(spec.automountServiceAccountToken, isLogger, owner);
        assert.ok(container.resources?.requests && container.resources.limits, `${owner} has no resources`);
      }
    });
  });
}

describe('the check of manifests itself', () => {
  it('finds a key that stands twice, and no key in lists that have none', () => {
    const container = { name: 'x', env: [{ name: 'A' }, { name: 'A' }], args: ['-v', '-v'] };
    assert.deepEqual(keysTwice({ spec: { containers: [container] } }), ['env A']);
  });

  it('finds an unknown field, a wrong type and an unknown kind', async () => {
    const head = 'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: x}\n';
    assert.deepEqual(await conformityProblems(`${head}spec: {maxUnavailable: 1, selector: {}}`), []);
    assert.match((await conformityProblems(`${head}spec: {maxUnavailabel: 1}`)).join(), /maxUnavailabel/);
    assert.match((await conformityProblems(`${head}spec: {selector: 1}`)).join(), /selector/);
    assert.match((await conformityProblems(head.replace('policy/v1', 'policy/v7'))).join(), /schema/);
  });
});
