// Grafana's JSON of a dashboard from a short description of its rows. Sizes, colours and options are the same everywhere, so
// that a panel is a title, a unit and its queries.

export interface Query {
  /** PromQL; `<loggers>` and `<producers>` stand for the selectors of this dashboard's cluster. */
  readonly expr: string;
  /** As Grafana takes it, as `{{pod}}`. */
  readonly legend: string;
}

export interface Panel {
  readonly kind: 'stat' | 'timeline' | 'graph';
  readonly title: string;
  /** What it shows and what to look for. */
  readonly about: string;
  /** A unit of Grafana's; none for plain numbers. */
  readonly unit?: string;
  /** Bars that add up, for counts. */
  readonly stacked?: boolean;
  /** Texts for values, with colours. */
  readonly values?: readonly (readonly [value: number, text: string, color: string])[];
  readonly queries: readonly Query[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const COLUMNS = 24;
const SIZES = {
  stat: { w: 4, h: 4 },
  timeline: { w: 24, h: 7 },
  graph: { w: 8, h: 8 },
} as const satisfies Record<Panel['kind'], { w: number; h: number }>;

const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const selector = (job: string): string => `job="${job}",namespace="$namespace",logger_cluster="$cluster"`;
const SELECTORS = {
  '<loggers>': selector('distributed-logger'),
  '<producers>': selector('distributed-logger-producer'),
};

export function dashboardOf(rows: readonly Row[]): object {
  return {
    title: 'distributed-logger',
    uid: 'distributed-logger',
    description: 'Leadership, log, API, producer, Consul and processes of one cluster of loggers.',
    tags: ['distributed-logger'],
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    schemaVersion: 39,
    time: { from: 'now-30m', to: 'now' },
    timezone: 'browser',
    templating: { list: VARIABLES },
    annotations: { list: [] },
    panels: laidOut(rows),
  };
}

const choice = (name: string, label: string, query: string): object => ({
  name,
  label,
  type: 'query',
  datasource: DATASOURCE,
  query: { query, refId: name },
  refresh: 2,
  sort: 1,
});

const VARIABLES = [
  { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
  choice('namespace', 'Namespace', 'label_values(distributed_logger_is_leader, namespace)'),
  choice(
    'cluster',
    'Cluster',
    'label_values(distributed_logger_is_leader{namespace="$namespace"}, logger_cluster)',
  ),
];

/** From left to right and top to bottom, each row under a heading. */
function laidOut(rows: readonly Row[]): object[] {
  const placed: object[] = [];
  let top = 0;
  for (const { title, panels } of rows) {
    placed.push({
      type: 'row',
      title,
      id: placed.length + 1,
      collapsed: false,
      gridPos: { x: 0, y: top, w: COLUMNS, h: 1 },
    });
    top += 1;
    let left = 0;
    let height = 0;
    for (const panel of panels) {
      const { w, h } = SIZES[panel.kind];
      if (left + w > COLUMNS) {
        left = 0;
        top += height;
        height = 0;
      }
      placed.push({ ...panelOf(panel), id: placed.length + 1, gridPos: { x: left, y: top, w, h } });
      left += w;
      height = Math.max(height, h);
    }
    top += height;
  }
  return placed;
}

function panelOf(panel: Panel): object {
  const { kind, title, about, unit = 'short', values } = panel;
  return {
    title,
    description: about,
    datasource: DATASOURCE,
    targets: panel.queries.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + at),
      datasource: DATASOURCE,
      expr: Object.entries(SELECTORS).reduce((text, [from, to]) => text.replaceAll(from, to), expr),
      legendFormat: legend,
      range: kind !== 'stat',
      instant: kind === 'stat',
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(values && { mappings: mappings(values), min: 0 }),
        color: { mode: values ? 'thresholds' : 'palette-classic' },
        ...(values && { thresholds: thresholds(values) }),
        ...(kind === 'graph' && { custom: graphStyle(panel.stacked === true) }),
        ...(kind === 'timeline' && { custom: { fillOpacity: 80, lineWidth: 0 } }),
      },
      overrides: [],
    },
    ...LOOKS[kind],
  };
}

const LOOKS = {
  stat: {
    type: 'stat',
    options: {
      colorMode: 'value',
      graphMode: 'none',
      reduceOptions: { calcs: ['lastNotNull'], values: false },
    },
  },
  timeline: {
    type: 'state-timeline',
    options: { mergeValues: true, showValue: 'auto', rowHeight: 0.8, legend: { showLegend: false } },
  },
  graph: {
    type: 'timeseries',
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  },
} as const;

const graphStyle = (stacked: boolean): object =>
  stacked
    ? { drawStyle: 'bars', fillOpacity: 70, lineWidth: 0, stacking: { mode: 'normal' } }
    : { drawStyle: 'line', fillOpacity: 8, lineWidth: 1, showPoints: 'never', spanNulls: false };

const mappings = (values: NonNullable<Panel['values']>): object[] => [
  {
    type: 'value',
    options: Object.fromEntries(values.map(([value, text, color], index) => [value, { text, color, index }])),
  },
];

const thresholds = (values: NonNullable<Panel['values']>): object => ({
  mode: 'absolute',
  steps: values.map(([value, , color], at) => ({ color, value: at === 0 ? null : value })),
});
