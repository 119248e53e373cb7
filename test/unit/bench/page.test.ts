import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type PageResult, sectionsOf, withSections } from '../../bench/page.ts';
import { SERIES } from '../../bench/series.ts';

const PAGE = new URL('../../../docs/reference/performance.md', import.meta.url);
const times = { p50Ms: 1, p99Ms: 2, p999Ms: 3, maxMs: 4 };
const usage = (servers: number) => ({ seconds: 5, cores: { servers, client: 0.2, other: 0.01 }, load1: 1 });
const started = { readySeconds: 1, acknowledgedSeconds: 1.5 };
const scale = (work: string, given: Partial<PageResult>): PageResult => ({
  series: 'scale',
  work,
  sizeBytes: 1024,
  members: 3,
  ...times,
  usage: usage(1),
  ...given,
});
const load = (given: Partial<PageResult>) =>
  scale('throughput', { producers: 1, ratePerSecond: 70_000, megabytesPerSecond: 70, ...given });
const fanout = (readers: number, servers: number) =>
  scale('fanout', { readers, ratePerSecond: 1000, usage: usage(servers) });
const length = (records: number) =>
  scale('length', {
    records,
    sizeBytes: 100,
    append: times,
    readFirst: times,
    readAnywhere: times,
    readLast: times,
    afterStop: started,
    afterKill: started,
  });
const figure = (work: string, given: Partial<PageResult>): PageResult => ({
  series: 'figures',
  work,
  ...given,
});
const ALL: readonly PageResult[] = [
  figure('throughput', { sizeBytes: 1024, members: 3, ratePerSecond: 70_000, ...times }),
  figure('failover', {
    signal: 'SIGKILL',
    runs: 20,
    medianMs: 40,
    failedRequests: { connection: 21 },
    ...times,
  }),
  figure('idle', { loggers: [{ role: 'leader', rssMiB: 140, corePercent: 3 }] }),
  figure('recovery', { mebibytes: 1024, afterStop: started, afterKill: started }),
  figure('overload', {
    capacityPerSecond: 14_000,
    refused: { 429: 1234 },
    leaderRssMiB: [300, 310],
    lost: 0,
  }),
  length(1_000_000),
  length(100_000),
  load({}),
  load({ sizeBytes: 100 }),
  load({ members: 5 }),
  load({ producers: 4, ratePerSecond: 60_000 }),
  scale('latency', { sizeBytes: 100, p50Ms: 0.9 }),
  fanout(1, 0.5),
  fanout(101, 1.5),
];
const section = (name: string) => sectionsOf(ALL).find((one) => one.name === name)?.table ?? '';

test('the page has a place for each section, and each command of the series is of a work that makes one', () => {
  const page = readFileSync(PAGE, 'utf8');
  const sections = sectionsOf(ALL);
  const text = withSections(page, sections);
  for (const { table } of sections) assert.ok(text.includes(table));
  assert.equal(withSections(text, sections), text, 'writing it twice changes it');
  const places = [...page.matchAll(/^<!-- (\w+): made by npm run bench -- (\w+) --write -->$/gm)];
  assert.deepEqual(places.map(([, name]) => name).toSorted(), sections.map(({ name }) => name).toSorted());
  const works = new Set(ALL.map(({ series, work }) => `${series} ${work}`));
  const plain = ['latency', 'rate', 'http', 'fanout'].map((work) => `figures ${work}`);
  for (const [series, commands] of Object.entries(SERIES))
    for (const command of commands)
      assert.ok([...works, ...plain].includes(`${series} ${command.split(' ')[0]}`), command);
});

test('each table varies one thing alone', () => {
  assert.equal(section('size').split('\n').length, 4);
  assert.match(section('size'), /\| 100 \| 70,000 \| 70 \| 0\.9 \| 2 \| 1 \| 0\.01 \|\n\| 1,024 \|/);
  assert.match(section('members'), /\| 3 \| 70,000 .*\n\| 5 \| 70,000/);
  assert.match(section('producers'), /\| 1 \| 70,000 .*\n\| 4 \| 60,000/);
  assert.match(section('records'), /\| 100,000 \| 1 \/ 2 .* \| 1\.5 \| 1\.5 \|\n\| 1,000,000/);
});

test('a reader costs what the servers use more than with the first run, for each record', () => {
  assert.match(section('readers'), /\| 101 \| 1 \| 2 \| 1\.5 \| 10 \|/);
});

test('failed requests and refusals are counted', () => {
  assert.match(section('takeover'), /\| SIGKILL \| 20 \| 40 ms \| 2 ms \| 4 ms \| 21 \|/);
  assert.match(section('overload'), /\| 429: 1,234 \|/);
});

test('of two runs with the same settings the last one counts', () => {
  const [{ table } = { table: '' }] = sectionsOf([
    figure('rate', { ratePerSecond: 1, ...times }),
    figure('rate', { ratePerSecond: 2, ...times }),
  ]);
  assert.deepEqual(table.match(/^\| rate \| \d/gm), ['| rate | 2']);
});

test('what has no figure keeps its text, and a section without a place is an error', () => {
  const page = '<!-- idle: x -->\nold\n<!-- end of idle -->\n';
  assert.equal(withSections(page, []), page);
  const idle = sectionsOf(ALL).filter(({ name }) => name === 'idle');
  assert.equal(withSections(page, idle), `<!-- idle: x -->\n\n${idle[0]?.table}\n\n<!-- end of idle -->\n`);
  assert.throws(() => withSections('', idle), /no place for idle/);
});
