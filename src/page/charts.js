// Five small charts of the last ten minutes. Each has its latest and highest values in words beside it, which is also what a
// screen reader gets in place of the picture.

import { byId, bytes, clock, count, element, milliseconds, rate } from './format.js';
import uPlot from './uPlot.esm.js';

const WINDOW_SECONDS = 600;
/** A logger that just started has little to show: the time axis begins with it, but is never shorter than this. */
const MIN_WINDOW_SECONDS = 120;
const HEIGHT_PX = 120;
/** Between marks of an axis that counts records. */
const WHOLE_STEPS = Array.from({ length: 13 }, (_, power) =>
  [1, 2, 5].map((one) => one * 10 ** power),
).flat();
const WHOLE_MINUTES = [60, 120, 300, 600];
const DASHES = [[], [5, 4], [2, 3], [8, 3, 2, 3]];

const CHARTS = [
  {
    name: 'Records committed',
    format: rate,
    series: () => [{ label: 'records', value: (sample) => sample.recordsPerSecond }],
  },
  {
    name: 'Data appended here',
    format: bytes,
    series: () => [{ label: 'bytes', value: (sample) => sample.bytesPerSecond }],
    empty: 'while another logger leads',
  },
  {
    name: 'Append latency',
    format: milliseconds,
    series: () => quantiles('append'),
    empty: 'no appends here',
  },
  { name: 'fsync', format: milliseconds, series: () => quantiles('fsync'), empty: 'nothing written' },
  {
    name: 'Records behind the leader',
    format: count,
    series: (samples) =>
      [...new Set(samples.flatMap(({ lag }) => Object.keys(lag)))]
        .sort()
        .slice(0, 4)
        .map((id) => ({ label: id, value: ({ lag }) => lag[id] ?? null })),
    empty: 'nobody follows this logger',
    incrs: WHOLE_STEPS,
  },
];

const quantiles = (name) => [
  { label: 'p50', words: 'median', value: (sample) => sample[name]?.p50Ms ?? null },
  { label: 'p99', words: '99th percentile', value: (sample) => sample[name]?.p99Ms ?? null },
];

const drawn = [];
const dark = matchMedia('(prefers-color-scheme: dark)');

export function makeCharts() {
  for (const chart of CHARTS) {
    const caption = element('figcaption');
    const plot = element('div', { className: 'plot' });
    plot.setAttribute('role', 'img');
    byId('charts').append(element('figure', {}, caption, plot));
    drawn.push({ chart, caption, plot, uplot: null, labels: '' });
  }
  const redraw = () => {
    for (const one of drawn) one.labels = '';
    showStats(shown);
  };
  dark.addEventListener('change', redraw);
  new ResizeObserver(() => {
    for (const { uplot, plot } of drawn) uplot?.setSize({ width: plot.clientWidth, height: HEIGHT_PX });
  }).observe(byId('charts'));
}

let shown = [];

export function showStats(samples) {
  shown = samples;
  for (const one of drawn) show(one, samples);
}

function show(one, samples) {
  const { chart, caption, plot } = one;
  const series = chart.series(samples);
  const values = series.map(({ value }) => samples.map(value));
  const last = values.map((of) => of.at(-1) ?? null);
  caption.replaceChildren(...captionOf(chart, series, last));
  plot.classList.toggle(
    'empty',
    values.flat().every((value) => value === null),
  );
  plot.setAttribute('aria-label', inWords(chart, series, values));
  const labels = series.map(({ label }) => label).join();
  if (one.uplot === null || one.labels !== labels) {
    one.uplot?.destroy();
    one.labels = labels;
    one.uplot = new uPlot(
      optionsOf(chart, series, plot, () => shown),
      [[]],
      plot,
    );
  }
  one.uplot.setData([samples.map(({ time }) => time / 1000), ...values]);
}

function captionOf({ name, format, empty }, series, last) {
  const value = element('span', { className: 'value' });
  if (last.every((one) => one === null)) value.append(empty ?? 'no data yet');
  else
    for (const [at, { label }] of series.entries()) {
      const item = element('span', { className: 'item' });
      if (series.length > 1) item.append(element('i', { className: `c${at}` }), `${label} `);
      item.append(last[at] === null ? '–' : format(last[at]));
      value.append(item);
    }
  return [element('b', {}, name), value];
}

function inWords({ name, format, empty }, series, values) {
  const parts = series.flatMap(({ label, words = label }, at) => {
    const known = values[at].filter((value) => value !== null);
    if (known.length === 0) return [];
    const highest = known.reduce((one, other) => Math.max(one, other), 0);
    return `${words}: last ${format(known.at(-1))}, highest ${format(highest)}`;
  });
  return `Chart of ${name} over ten minutes. ${parts.join('; ') || (empty ?? 'no data yet')}.`;
}

function colour(name) {
  const probe = element('span', { className: name, hidden: true });
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function optionsOf({ format, incrs }, series, plot, samples) {
  const quiet = colour('quiet');
  const faint = dark.matches ? '#323842' : '#e3e6ea';
  const axis = { stroke: quiet, font: '11px system-ui, sans-serif', ticks: { show: false } };
  return {
    width: plot.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    padding: [6, 16, 0, 0],
    scales: {
      x: { range: () => timesShown(samples()) },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.15 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        grid: { show: false },
        space: 50,
        incrs: WHOLE_MINUTES,
        values: (_plot, at) => at.map((seconds) => clock(seconds * 1000).slice(0, 5)),
      },
      {
        ...axis,
        size: 58,
        gap: 4,
        space: 36,
        ...(incrs === undefined ? {} : { incrs }),
        grid: { stroke: faint, width: 1 },
        values: (_plot, at) => at.map((value) => (value === 0 ? '0' : format(value))),
      },
    ],
    series: [
      {},
      ...series.map(({ label }, at) => ({
        label,
        stroke: colour(`c${at}`),
        width: 1.5,
        dash: DASHES[at],
        points: { show: false },
      })),
    ],
    hooks: { draw: [(uplot) => markEpochs(uplot, samples(), quiet)] },
  };
}

function timesShown(samples) {
  const now = Date.now() / 1000;
  const first = (samples[0]?.time ?? Date.now()) / 1000;
  return [Math.max(now - WINDOW_SECONDS, Math.min(first, now - MIN_WINDOW_SECONDS)), now];
}

function markEpochs({ ctx, bbox, valToPos }, samples, stroke) {
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const [at, { epoch, time }] of samples.entries()) {
    if (at === 0 || samples[at - 1].epoch === epoch) continue;
    const x = Math.round(valToPos(time / 1000, 'x', true));
    if (x < bbox.left) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
