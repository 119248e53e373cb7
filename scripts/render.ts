// Writes what is made from the chart: `npm run render`. The kustomize base is the chart's default output, one file a
// template; the reference page of its values and its README are made of values.yaml and its comments; k8s/monitoring gets the
// chart's alerts and its dashboard, which is itself made of scripts/dashboard. Tests compare all of them with the files.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { renderChartReadme } from './chart-readme.ts';
import { renderChartValues } from './chart-values.ts';
import { dashboardOf } from './dashboard/grafana.ts';
import { ROWS } from './dashboard/rows.ts';
import { findHelm, run } from './tools/index.ts';

const chart = 'charts/distributed-logger';
export const baseDirectory = 'k8s/base';
export const dashboardFile = `${chart}/files/dashboard.json`;
const monitoringFiles = 'k8s/monitoring/files';
export const readmeFile = `${chart}/README.md`;
export const valuesPage = 'docs/reference/chart-values.md';

/** Every file of the kustomize base and its content. Paths are relative to the base. */
export async function renderBase(): Promise<Map<string, string>> {
  // Without hooks: the chart's test is Helm's business. Without a namespace: that is for the overlay to say.
  const output = await run(await findHelm(), ['template', 'distributed-logger', chart, '--no-hooks']);
  const files = new Map<string, string>();
  for (const document of output.split(/^---\n/m).filter((text) => text.trim() !== '')) {
    const [, path] = /^# Source: distributed-logger\/templates\/(.+)$/m.exec(document) ?? [];
    if (!path) throw new Error(`a document without its source:\n${document}`);
    files.set(path, withoutHelm(document));
  }
  const resources = [...files.keys()].sort();
  const kustomization = [
    '# Made from the chart by `npm run render`; a test compares them. Change the chart, or an overlay, not this.',
    'apiVersion: kustomize.config.k8s.io/v1beta1',
    'kind: Kustomization',
    'resources:',
    ...resources.map((path) => `  - ${path}`),
  ];
  return files.set('kustomization.yaml', `${kustomization.join('\n')}\n`);
}

/** Labels that say Helm manages an object would be untrue here. */
const withoutHelm = (document: string): string =>
  document
    .replace(/^# Source: .*\n/, '')
    .replace(/^ +(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '')
    .replace(/\n*$/, '\n');

export async function readBase(): Promise<Map<string, string>> {
  const paths = await readdir(baseDirectory, { recursive: true, withFileTypes: true });
  const files = paths.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.map(
        async (file) => [file.slice(baseDirectory.length + 1), await readFile(file, 'utf8')] as const,
      ),
    ),
  );
}

export const renderValuesPage = async (): Promise<string> =>
  renderChartValues(
    await readFile(join(chart, 'values.yaml'), 'utf8'),
    await readFile(join(chart, 'values.schema.json'), 'utf8'),
  );

export async function renderReadme(): Promise<string> {
  const examples = (await readdir(join(chart, 'ci'))).toSorted();
  const read = (file: string): Promise<string> => readFile(join(chart, file), 'utf8');
  return renderChartReadme({
    chart: await read('Chart.yaml'),
    values: await read('values.yaml'),
    schema: await read('values.schema.json'),
    examples: new Map(
      await Promise.all(examples.map(async (file) => [file, await read(`ci/${file}`)] as const)),
    ),
  });
}

export const renderDashboard = (): string => `${JSON.stringify(dashboardOf(ROWS), null, 2)}\n`;

/** The chart's rules as Prometheus itself reads them; by default those of the release that skaffold.yaml and k8s/base make. */
export async function renderAlerts(parameters: readonly string[] = []): Promise<string> {
  const only = ['--show-only', 'templates/monitoring/prometheusrule.yaml'];
  const on = ['--set', 'monitoring.rules.enabled=true'];
  const text = await run(await findHelm(), [
    'template',
    'distributed-logger',
    chart,
    ...on,
    ...only,
    ...parameters,
  ]);
  const { spec } = parse(text) as { spec: object };
  return stringify(spec, { lineWidth: 0 });
}

/** What k8s/monitoring has of the chart's. It sees its own namespace alone, so its rules ask for none. */
export const renderMonitoring = async (): Promise<Map<string, string>> =>
  new Map([
    [
      `${monitoringFiles}/alerts.yaml`,
      `# Made from the chart by \`npm run render\`; a test compares them.\n${(await renderAlerts()).replaceAll(/namespace="default",/g, '')}`,
    ],
    [`${monitoringFiles}/dashboard.json`, renderDashboard()],
  ]);

if (import.meta.main) {
  // First, since the chart has it among its files.
  await writeFile(dashboardFile, renderDashboard());
  for (const [file, content] of await renderMonitoring()) await writeFile(file, content);
  await rm(baseDirectory, { recursive: true, force: true });
  for (const [path, content] of await renderBase()) {
    const file = join(baseDirectory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await writeFile(valuesPage, await renderValuesPage());
  await writeFile(readmeFile, await renderReadme());
}
