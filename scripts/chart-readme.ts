// The chart's README: what a page about a chart is expected to tell, with the tables made from values.yaml and the examples from
// the chart's own ci folder. `npm run render` writes it and a test compares it.
import { parse } from 'yaml';
import { chartValues, valueTables } from './chart-values.ts';

export interface ChartTexts {
  /** Chart.yaml. */
  readonly chart: string;
  readonly values: string;
  readonly schema: string;
  /** Name and content of each file in ci/. */
  readonly examples: ReadonlyMap<string, string>;
}

interface Chart {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly appVersion: string;
  readonly kubeVersion: string;
}

export function renderChartReadme({ chart, values, schema, examples }: ChartTexts): string {
  const { name, description, version, appVersion, kubeVersion } = parse(chart) as Chart;
  const rows = [...examples].map(([file, text]) => `| [${file}](ci/${file}) | ${opening(file, text)} |`);
  return `# ${name}

${description}. Chart ${version}, of ${name} ${appVersion}; needs Kubernetes ${kubeVersion.replace('-0', '')}, and Helm 3.14 or later.

\`\`\`sh
helm install demo charts/${name}
helm test demo --logs
kubectl get pods --label-columns distributed-logger/role
\`\`\`

The chart makes a StatefulSet of loggers, a Service that routes to their leader and one that routes to all of them, three Consul
servers (or points the loggers at yours), and the example's producer. Each logger keeps the whole log on a volume of its own. Start with
[run on kind](../../docs/how-to/run-on-kind.md).

| to | read |
| --- | --- |
| turn on TLS, tokens, access control and NetworkPolicies: \`--values values-secure.yaml\` | [secure on Kubernetes](../../docs/how-to/secure-on-kubernetes.md) |
| watch it: \`monitoring.enabled\`, \`monitoring.rules.enabled\`, \`monitoring.dashboard.enabled\` | [monitor](../../docs/how-to/monitor.md) |
| change the number of loggers | [change members](../../docs/how-to/change-members.md) |
| upgrade, and what each version asks of you | [upgrade](../../docs/how-to/upgrade.md) |
| set what has no value of its own: \`logger.extraEnv\`, \`producer.extraEnv\` | [configuration](../../docs/reference/configuration.md) |

\`helm uninstall\` leaves the volumes; the notes that \`helm install\` prints tell how they go.

## Examples

Named as chart-testing looks for them; a test renders and validates each. Those with Secrets need these made before.

| values | for |
| --- | --- |
${rows.join('\n')}

## Values

Names that are not listed here are refused. This page is made from \`values.yaml\` and \`values.schema.json\` (\`npm run render\`).

${valueTables(chartValues(values, schema), '###')}
`;
}

/** The comment that an example opens with, as one line. */
function opening(file: string, text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  const comment = lines.slice(0, end).map((line) => line.replace(/^# ?/, ''));
  if (comment.length === 0) throw new Error(`ci/${file} does not open with a comment`);
  return comment.join(' ');
}
