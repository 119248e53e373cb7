// Writes what is made from the chart: `npm run render`. The kustomize base is the chart's default output, one file a
// template; the reference page of its values is made of values.yaml and its comments. Tests compare both with the files.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { renderChartValues } from './chart-values.ts';
import { findHelm, run } from './tools/index.ts';

const chart = 'charts/distributed-logger';
export const baseDirectory = 'k8s/base';
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

if (import.meta.main) {
  await rm(baseDirectory, { recursive: true, force: true });
  for (const [path, content] of await renderBase()) {
    const file = join(baseDirectory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await writeFile(valuesPage, await renderValuesPage());
}
