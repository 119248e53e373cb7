// Helm, kubectl and kubeconform for tests: found or fetched once (scripts/tools), then run on the chart and on k8s/.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { findHelm, findKubeconform, findKubectl, kubernetesSchemas, run } from '../../scripts/tools/index.ts';

export { findHelm, findKubectl } from '../../scripts/tools/index.ts';

export const chartDirectory = 'charts/distributed-logger';

/** What tests read of a Kubernetes object. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

export interface RenderOptions {
  readonly release?: string;
  readonly namespace?: string;
  /** Values as in a values file. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** `helm template` as text. Rejects with Helm's message when the chart or its schema refuses the values. */
export async function renderText(options: RenderOptions = {}): Promise<string> {
  const { release = 'distributed-logger', namespace = 'default', values = {} } = options;
  const settings = Object.entries(values).flatMap(([name, value]) => [
    '--set-json',
    `${name}=${JSON.stringify(value)}`,
  ]);
  const parameters = ['template', release, chartDirectory, '--namespace', namespace, ...settings];
  return run(await findHelm(), parameters);
}

export const render = async (options: RenderOptions = {}): Promise<Manifest[]> =>
  manifests(await renderText(options));

export function manifests(text: string): Manifest[] {
  const documents = parseAllDocuments(text);
  const problems = documents.flatMap((document) => document.errors);
  if (problems.length > 0) throw new AggregateError(problems, 'this is not YAML');
  return documents.map((document) => document.toJS() as Manifest | null).filter((each) => each !== null);
}

export const kustomize = async (directory: string): Promise<string> =>
  run(await findKubectl(), ['kustomize', directory]);

/** Resolves with kubeconform's complaints about YAML documents, one line each; unknown fields and kinds are among them. */
export async function conformityProblems(text: string): Promise<string[]> {
  const location = join(await kubernetesSchemas(), '{{.ResourceKind}}{{.KindSuffix}}.json');
  const parameters = ['-strict', '-output', 'json', '-schema-location', location, '-'];
  const checking = promisify(execFile)(await findKubeconform(), parameters);
  checking.child.stdin?.end(text);
  const { stdout } = await checking.catch((error: { code?: unknown; stdout?: string }) => {
    // 1 is how it says that something is invalid.
    if (error.code === 1 && error.stdout) return { stdout: error.stdout };
    throw error;
  });
  const { resources = [] } = JSON.parse(stdout) as {
    resources?: { kind: string; name: string; msg: string }[];
  };
  return resources.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`);
}
