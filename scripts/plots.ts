// `node scripts/plots.ts RESULTS.jsonl…`: tables and SVG plots of docs/reference/performance.md from lines of `npm run bench -- … --json`.
// Of runs of the same work with the same settings the last one counts.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Result {
  readonly work: string;
  readonly sizeBytes?: number;
  readonly members?: number;
  readonly clients?: number;
  readonly readers?: number;
  readonly ratePerSecond?: number;
  readonly megabytesPerSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly p999Ms?: number;
  readonly usage?: {
    readonly cores: { readonly servers: number; readonly client: number; readonly other: number };
  };
  readonly fsync?: { readonly p50Ms: number };
}

const DOCS = fileURLToPath(new URL('../docs/reference/', import.meta.url));
const PAGE = `${DOCS}performance.md`;
const BEGIN = '<!-- results: rendered by scripts/plots.ts -->';
const END = '<!-- end of results -->';
const [WIDTH, BAR, GAP, LEFT, RIGHT] = [720, 22, 10, 220, 90];

const keyOf = ({ work, sizeBytes, members, clients, readers }: Result): string =>
  [
    work,
    sizeBytes && `${sizeBytes} B`,
    members && members !== 3 && `${members} members`,
    clients && `${clients} clients`,
    readers && `${readers} readers`,
  ]
    .filter((part) => part)
    .join(', ');

function resultsIn(paths: readonly string[]): Map<string, Result> {
  const results = new Map<string, Result>();
  for (const path of paths)
    for (const line of readFileSync(path, 'utf8')
      .split('\n')
      .filter((text) => text.startsWith('{'))) {
      const result = JSON.parse(line) as Result;
      results.set(keyOf(result), result);
    }
  return results;
}

function table(results: ReadonlyMap<string, Result>): string {
  const head = [
    'work',
    'records/s',
    'MB/s',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
    'cores: servers / client / other',
    'fsync p50 ms',
  ];
  const rows = [...results]
    .filter(([, { ratePerSecond }]) => ratePerSecond !== undefined)
    .map(([key, { ratePerSecond, megabytesPerSecond, p50Ms, p99Ms, p999Ms, usage, fsync }]) => [
      key,
      ratePerSecond,
      megabytesPerSecond ?? '',
      p50Ms,
      p99Ms,
      p999Ms,
      usage ? `${usage.cores.servers} / ${usage.cores.client} / ${usage.cores.other}` : '',
      fsync?.p50Ms ?? '',
    ]);
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Horizontal bars: one figure for each run. */
function bars(title: string, unit: string, figures: readonly (readonly [string, number])[]): string {
  const most = Math.max(...figures.map(([, value]) => value));
  const height = 34 + figures.length * (BAR + GAP);
  const rows = figures.map(([name, value], index) => {
    const y = 34 + index * (BAR + GAP);
    const width = Math.round(((WIDTH - LEFT - RIGHT) * value) / most);
    return `<text x="${LEFT - 8}" y="${y + 16}" text-anchor="end">${name}</text><rect x="${LEFT}" y="${y}" width="${width}" height="${BAR}" fill="#2a6fdb"/><text x="${LEFT + width + 6}" y="${y + 16}">${value.toLocaleString('en')} ${unit}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/><text x="8" y="20" font-weight="bold">${title}</text>${rows.join('')}</svg>\n`;
}

const results = resultsIn(process.argv.slice(2));
if (results.size === 0) throw new Error('no results: node scripts/plots.ts RESULTS.jsonl…');
const plots: readonly (readonly [string, string, string, (result: Result) => number | undefined])[] = [
  [
    'throughput',
    'Throughput: records a second',
    '/s',
    ({ work, ratePerSecond }) => (work === 'throughput' || work === 'http' ? ratePerSecond : undefined),
  ],
  [
    'latency',
    'Latency: p99',
    'ms',
    ({ work, p99Ms }) => (work === 'latency' || work === 'rate' || work === 'fanout' ? p99Ms : undefined),
  ],
];
const images: string[] = [];
for (const [file, title, unit, figureOf] of plots) {
  const figures = [...results].flatMap(([key, result]) => {
    const figure = figureOf(result);
    return figure === undefined ? [] : [[key, figure] as const];
  });
  if (figures.length === 0) continue;
  writeFileSync(`${DOCS}performance-${file}.svg`, bars(title, unit, figures));
  images.push(`![${title}](performance-${file}.svg)`);
}
const page = readFileSync(PAGE, 'utf8');
const [before, after] = [page.slice(0, page.indexOf(BEGIN) + BEGIN.length), page.slice(page.indexOf(END))];
writeFileSync(PAGE, `${before}\n\n${table(results)}\n\n${images.join('\n\n')}\n\n${after}`);
