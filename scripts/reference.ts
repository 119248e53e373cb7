// Renders the reference tables that come from code: `npm run docs` writes them, a test compares them.
import { writeFileSync } from 'node:fs';
import type { Registry } from 'prom-client';
import { loggerSettings, producerSettings, type Setting } from '../src/config.ts';
import { createMetrics, type Observed } from '../src/metrics.ts';
import { createProducerMetrics } from '../src/producer/metrics.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function settingsTable(settings: Readonly<Record<string, Setting<unknown>>>, ownHostName: string): string {
  const rows = Object.values(settings).map(({ variable, fallback, takes, about }) => {
    const shown = fallback === null ? 'required' : fallback === '' ? '' : `\`${fallback}\``;
    return `| \`${variable}\` | ${fallback === ownHostName ? 'the host name' : shown} | ${cell(takes)} | ${cell(about)} |`;
  });
  return ['| variable | default | takes | what it sets |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

export function renderConfiguration(): string {
  const ownHostName = loggerSettings.id.fallback ?? '';
  return `# Configuration

The programs are configured by environment variables. A wrong value ends a program with exit code 78 and one message that
names every variable in question, what it got and what it takes. This page is made from the code (\`npm run docs\`).

## logger

${settingsTable(loggerSettings, ownHostName)}

## producer

${settingsTable(producerSettings, ownHostName)}
`;
}

async function metricsTable(registry: Registry): Promise<string> {
  const rows = (await registry.getMetricsAsJSON())
    .filter(({ name }) => !/_(nodejs|process)_/.test(name))
    .map((metric) => {
      const labels = (registry.getSingleMetric(metric.name) as unknown as { labelNames: string[] })
        .labelNames;
      return `| \`${metric.name}\` | ${metric.type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${cell(metric.help)} |`;
    });
  return ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

export async function renderMetrics(): Promise<string> {
  const build = { version: '', node: '' };
  return `# Metrics

\`GET /metrics\` of every logger and of the producer, in Prometheus' text format. Beside these stand the usual
\`distributed_logger_process_*\` and \`distributed_logger_nodejs_*\` (event-loop lag, heap, garbage collection). This page is
made from the code (\`npm run docs\`).

## logger

${await metricsTable(createMetrics(build, () => NOTHING).registry)}

## producer

${await metricsTable(createProducerMetrics(build).registry)}
`;
}

const NOTHING: Observed = {
  isLeader: false,
  hasLeader: false,
  epoch: 0,
  labelEnabled: false,
  labelInSync: false,
  consulReachable: false,
  sessionValid: false,
  firstOffset: 0,
  commitOffset: 0,
  endOffset: 0,
  syncedOffset: 0,
  logSizeBytes: 0,
  logSegments: 0,
  diskFull: false,
  pendingRequests: 0,
  pendingBytes: 0,
  members: 0,
  followers: [],
};

export const PAGES = {
  'docs/reference/configuration.md': renderConfiguration,
  'docs/reference/metrics.md': renderMetrics,
} as const;

if (import.meta.main) for (const [page, render] of Object.entries(PAGES)) writeFileSync(page, await render());
