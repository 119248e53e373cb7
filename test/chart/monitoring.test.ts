// What the chart and k8s/monitoring bring for Prometheus and Grafana, as far as it can be told without running them; the rest
// is in test/monitoring.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { metricNames } from '../../scripts/reference.ts';
import { dashboardFile, renderDashboard, renderMonitoring } from '../../scripts/render.ts';
import { LOGGER_ERRORS } from '../../src/errors.ts';
import { find, get, onlyContainer, pods, type Service, spec } from '../support/manifests.ts';
import {
  conformityProblems,
  kustomize,
  type Manifest,
  manifests,
  type RenderOptions,
  render,
} from '../support/tools.ts';

const name = 'distributed-logger';
const RUNBOOKS = 'docs/how-to/runbooks';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly description?: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}

const rulesIn = (objects: readonly Manifest[]): Rule[] =>
  spec<{ groups: { rules: Rule[] }[] }>(objects, 'PrometheusRule', name).groups.flatMap(({ rules }) => rules);
const withMonitoring = (monitoring: object, rest: RenderOptions = {}): Promise<Manifest[]> =>
  render({ ...rest, values: { ...rest.values, monitoring } });

/** Names of our metrics that an expression asks for and that no program has. */
function unknownMetrics(expr: string): string[] {
  const known = metricNames();
  return [...expr.matchAll(/\bdistributed_logger_\w+/g)]
    .map(([metric]) => metric)
    .filter((metric) => !known.has(metric) && !known.has(metric.replace(/_(bucket|sum|count)$/, '')));
}

describe('the alerts in the chart', () => {
  let rules: Rule[];
  before(async () => {
    rules = rulesIn(await withMonitoring({ rules: { enabled: true } }, { namespace: 'logs' }));
  });

  it('are off by default, and so is everything else for monitoring', async () => {
    const kinds = (await render()).map(({ kind }) => kind);
    for (const kind of ['PrometheusRule', 'ServiceMonitor', 'PodMonitor'])
      assert.ok(!kinds.includes(kind), kind);
    assert.equal(find(await render(), 'ConfigMap', `${name}-dashboard`), undefined);
  });

  it('each have a severity, texts, and a runbook that says what it means, what to look at and what to do', async () => {
    assert.ok(rules.length >= 12);
    for (const { alert, labels, annotations } of rules) {
      assert.match(labels.severity ?? '', /^(critical|warning)$/, alert);
      for (const text of ['summary', 'description'])
        assert.ok((annotations[text] ?? '').length > 20, `${alert}: ${text}`);
      const page = annotations.runbook_url ?? '';
      assert.ok(page.startsWith(`${RUNBOOKS}/`), page);
      const runbook = await readFile(page, 'utf8');
      assert.ok(runbook.includes(`\`${alert}\``), `${page} does not name ${alert}`);
      for (const heading of ['## What it means', '## Look', '## Act'])
        assert.ok(runbook.includes(heading), page);
    }
  });

  it('ask for metrics that there are, of this release alone', () => {
    for (const { alert, expr } of rules) {
      assert.deepEqual(unknownMetrics(expr), [], alert);
      const selectors = [...expr.matchAll(/(\w+)\{([^}]*)\}/g)];
      assert.ok(selectors.length > 0, alert);
      for (const [, metric, selector = ''] of selectors)
        if (metric === 'kube_statefulset_replicas')
          assert.equal(selector, `namespace="logs",statefulset="${name}"`, alert);
        else
          assert.ok(selector.startsWith(`job="${name}",namespace="logs",logger_cluster="${name}"`), selector);
    }
    assert.deepEqual(unknownMetrics('sum(distributed_logger_nothing{})'), ['distributed_logger_nothing']);
  });

  it('take every threshold from the values, and leave nothing to be filled in', async () => {
    const { monitoring } = parse(await readFile('charts/distributed-logger/values.yaml', 'utf8')) as {
      monitoring: { rules: { thresholds: Record<string, number> } };
    };
    const { thresholds } = monitoring.rules;
    const odd = Object.fromEntries(
      Object.keys(thresholds).map((each, at) => [each, each.endsWith('Ratio') ? (at + 1) / 100 : 7001 + at]),
    );
    const text = JSON.stringify(rulesIn(await withMonitoring({ rules: { enabled: true, thresholds: odd } })));
    for (const [threshold, value] of Object.entries(odd)) assert.ok(text.includes(String(value)), threshold);
    assert.doesNotMatch(text, /<[a-z]\w*>/i);
  });

  it('carry the labels and the address of the runbooks that are asked for', async () => {
    const objects = await withMonitoring({
      rules: { enabled: true, labels: { release: 'prometheus' }, runbooks: 'https://runbooks.test/logs/' },
    });
    assert.equal(get(objects, 'PrometheusRule', name).metadata.labels?.release, 'prometheus');
    for (const { annotations } of rulesIn(objects))
      assert.match(annotations.runbook_url ?? '', /^https:\/\/runbooks\.test\/logs\/[a-z-]+\.md$/);
  });

  it('count the appends that failed for the loggers’ own reasons, and no others', () => {
    const [, codes] =
      /code=~"([^"]+)"/.exec(rules.find(({ alert }) => alert.endsWith('AppendErrors'))?.expr ?? '') ?? [];
    assert.deepEqual(codes?.split('|').sort(), LOGGER_ERRORS.toSorted());
  });
});

describe('the monitors in the chart', () => {
  it('give every target the labels that rules and dashboard look for', async () => {
    const objects = await withMonitoring({ enabled: true }, { values: { logger: { cluster: 'audit' } } });
    for (const [kind, of, field, job] of [
      ['ServiceMonitor', name, 'endpoints', name],
      ['PodMonitor', `${name}-producer`, 'podMetricsEndpoints', `${name}-producer`],
    ] as const) {
      const [endpoint] = spec<Record<string, { relabelings: object[] }[]>>(objects, kind, of)[field] ?? [];
      assert.deepEqual(endpoint?.relabelings, [
        { targetLabel: 'job', replacement: job },
        { targetLabel: 'logger_cluster', replacement: 'audit' },
      ]);
    }
  });
});

describe('the dashboard', () => {
  const load = async (): Promise<Dashboard> => JSON.parse(await readFile(dashboardFile, 'utf8')) as Dashboard;

  it('is what scripts/dashboard makes: run npm run render', async () => {
    assert.equal(await readFile(dashboardFile, 'utf8'), renderDashboard());
  });

  it('comes as a ConfigMap that Grafana’s sidecar finds', async () => {
    const objects = await withMonitoring({ dashboard: { enabled: true } });
    const { metadata, data } = get(objects, 'ConfigMap', `${name}-dashboard`) as Manifest & {
      data: Record<string, string>;
    };
    assert.equal(metadata.labels?.grafana_dashboard, '1');
    assert.deepEqual(JSON.parse(data['distributed-logger.json'] ?? ''), await load());
  });

  it('asks for metrics that there are, and explains each panel', async () => {
    const { panels, templating } = await load();
    assert.deepEqual(
      templating.list.map((variable) => variable.name),
      ['datasource', 'namespace', 'cluster'],
    );
    for (const { title, type, description, targets = [] } of panels) {
      if (type === 'row') continue;
      assert.ok(description, title);
      assert.ok(targets.length > 0, title);
      for (const { expr } of targets) {
        assert.deepEqual(unknownMetrics(expr), [], title);
        assert.doesNotMatch(expr, /<|undefined/, title);
      }
    }
    assert.ok(panels.some(({ type }) => type === 'state-timeline'));
  });

  it('has panels side by side, none over another', async () => {
    const { panels } = await load();
    assert.deepEqual(
      panels.map(({ id }) => id),
      panels.map((_, at) => at + 1),
    );
    for (const { title, gridPos: a } of panels) {
      assert.ok(a.x + a.w <= 24, title);
      const over = panels.filter(
        ({ gridPos: b }) =>
          b !== a && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h,
      );
      assert.deepEqual(
        over.map((other) => other.title),
        [],
        title,
      );
    }
  });
});

describe('k8s/monitoring', () => {
  it('has the chart’s alerts and dashboard: run npm run render', async () => {
    for (const [file, content] of await renderMonitoring())
      assert.equal(await readFile(file, 'utf8'), content, file);
  });

  it('is valid, in any namespace, in pods of the restricted standard, with pinned images', async () => {
    const text = await kustomize('k8s/monitoring');
    assert.deepEqual(await conformityProblems(text), []);
    const objects = manifests(text);
    for (const { metadata } of objects) assert.equal(metadata.namespace, undefined, metadata.name);
    const made = pods(objects);
    assert.equal(made.length, 2);
    for (const [owner, { spec: pod, ...template }] of made) {
      const container = onlyContainer({ ...template, spec: pod });
      assert.match(container.image, /:v?\d+\.\d+\.\d+$/, owner);
      assert.equal(pod.securityContext?.runAsNonRoot, true, owner);
      assert.deepEqual(pod.securityContext?.seccompProfile, { type: 'RuntimeDefault' }, owner);
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      assert.ok(container.resources?.requests && container.resources.limits, owner);
    }
  });

  it('mounts the files where its programs look for them', async () => {
    const objects = manifests(await kustomize('k8s/monitoring'));
    for (const [owner, { spec: pod }] of pods(objects)) {
      const volumes = pod.volumes as { name: string; configMap?: { name: string } }[];
      for (const { configMap } of volumes) if (configMap) get(objects, 'ConfigMap', configMap.name);
      const mounts = onlyContainer({ metadata: {}, spec: pod }).volumeMounts as {
        name: string;
        subPath?: string;
      }[];
      for (const { name: volume, subPath } of mounts) {
        const used = volumes.find((each) => each.name === volume);
        assert.ok(used, `${owner}: ${volume}`);
        if (!subPath || !used.configMap) continue;
        const { data } = get(objects, 'ConfigMap', used.configMap.name) as Manifest & { data: object };
        assert.ok(subPath in data, `${owner}: ${subPath}`);
      }
    }
    const [source] = (
      parse(await readFile('k8s/monitoring/files/datasource.yaml', 'utf8')) as {
        datasources: { url: string }[];
      }
    ).datasources;
    const { hostname, port } = new URL(source?.url ?? '');
    assert.equal(String(spec<Service>(objects, 'Service', hostname).ports[0]?.port), port);
  });

  it('gives the chart’s pods, and no others, the labels that rules and dashboard look for', async () => {
    const config = parse(await readFile('k8s/monitoring/files/prometheus.yaml', 'utf8')) as Config;
    const relabel = config.scrape_configs[0]?.relabel_configs ?? [];
    const found = pods(await render({ release: name })).map(([owner, { metadata, spec: pod }]) => {
      const meta: Record<string, string> = {
        __meta_kubernetes_pod_phase: 'Running',
        __meta_kubernetes_namespace: 'logs',
        __meta_kubernetes_pod_name: owner,
      };
      for (const [label, value] of Object.entries(metadata.labels ?? {}))
        meta[`__meta_kubernetes_pod_label_${label.replaceAll(/\W/g, '_')}`] = value;
      const ports = onlyContainer({ metadata, spec: pod }).ports ?? [];
      return ports.map(({ name: port }) =>
        relabelled({ ...meta, __meta_kubernetes_pod_container_port_name: port }, relabel),
      );
    });
    const kept = found.flat().filter((labels) => labels !== null);
    assert.deepEqual(kept.map(({ job, pod }) => [job, pod]).sort(), [
      [name, `StatefulSet/${name}`],
      [`${name}-producer`, `Deployment/${name}-producer`],
    ]);
    for (const { namespace, logger_cluster } of kept)
      assert.deepEqual([namespace, logger_cluster], ['logs', name]);
  });
});

interface Relabel {
  readonly source_labels: readonly string[];
  readonly regex?: string;
  readonly action?: 'keep' | 'drop';
  readonly target_label?: string;
  readonly replacement?: string;
}
interface Config {
  readonly scrape_configs: readonly { readonly relabel_configs: readonly Relabel[] }[];
}

/** Prometheus' relabelling, as far as the file uses it; null for a target that is dropped. */
function relabelled(meta: Record<string, string>, steps: readonly Relabel[]): Record<string, string> | null {
  const labels = { ...meta };
  for (const { source_labels, regex = '(.*)', action, target_label = '', replacement = '$1' } of steps) {
    const match = new RegExp(`^(?:${regex})$`).exec(
      source_labels.map((label) => labels[label] ?? '').join(';'),
    );
    if (action === 'keep' ? !match : action === 'drop' && match) return null;
    if (action === undefined && match) labels[target_label] = replacement.replace('$1', match[1] ?? '');
  }
  return labels;
}
