// Renders the reference tables that come from code: `npm run docs` writes them, a test compares them.
import { writeFileSync } from 'node:fs';
import type { Registry } from 'prom-client';
import { loggerSettings, producerSettings, type Setting } from '../src/config.ts';
import { createMetrics } from '../src/metrics.ts';
import { createProducerMetrics } from '../src/producer/metrics.ts';
import { renderCli } from './cli-page.ts';

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
names every variable in question, what it got and what it takes. So does a data directory that the user may not write or lock, and a
port that another process has. This page is made from the code (\`npm run docs\`).

## logger

${settingsTable(loggerSettings, ownHostName)}

## producer

${settingsTable(producerSettings, ownHostName)}
`;
}

interface Declared {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

/** What prom-client keeps of a metric; the values, which only a running logger has, are not asked for. */
const declared = (registry: Registry): Declared[] =>
  registry.getMetricsAsArray().map((metric) => {
    const { name, help, type, labelNames = [] } = metric as unknown as Declared;
    return { name, help, type, labelNames };
  });

function metricsTable(registry: Registry): string {
  const rows = declared(registry)
    .filter(({ name }) => name.startsWith('distributed_logger_'))
    .map((metric) => {
      const labels = metric.labelNames;
      return `| \`${metric.name}\` | ${metric.type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${cell(metric.help)} |`;
    });
  return ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

export function renderMetrics(): string {
  return `# Metrics

\`GET /metrics\` of every logger and of the producer, in Prometheus' text format. Beside these stand the usual
\`process_*\` and \`nodejs_*\` (CPU, memory, event-loop lag, garbage collection). How to collect, draw and watch them:
[monitor](../how-to/monitor.md). This page is made from the code (\`npm run docs\`).

## logger

${metricsTable(loggerRegistry())}

## producer

${metricsTable(producerRegistry())}
`;
}

const build = { version: '', node: '' };
const unseen = (): never => {
  throw new Error('only the names are asked for');
};
const loggerRegistry = (): Registry => createMetrics(build, unseen, unseen).registry;
const producerRegistry = (): Registry => createProducerMetrics(build).registry;

/** Names of all metrics of both programs, as they are in a query but for a histogram's endings. */
export const metricNames = (): Set<string> =>
  new Set([...declared(loggerRegistry()), ...declared(producerRegistry())].map(({ name }) => name));

export const PAGES = {
  'docs/reference/configuration.md': renderConfiguration,
  'docs/reference/metrics.md': renderMetrics,
  'docs/reference/cli.md': renderCli,
} as const;

if (import.meta.main) for (const [page, render] of Object.entries(PAGES)) writeFileSync(page, await render());
