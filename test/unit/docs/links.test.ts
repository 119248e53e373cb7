// The documents hang together: each link leads to something that is there, each page is found from the index, and the
// commands, variables, values and files that they name exist.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { COMMANDS } from '../../../src/cli/options.ts';
import { loggerSettings, producerSettings } from '../../../src/config.ts';
import { type Page, parsePage } from '../../support/markdown.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const paths = globSync('**/*.md', {
  cwd: ROOT,
  exclude: (name) => /^(node_modules|dist)$/.test(name),
}).sort();
const pages = new Map<string, Page>(paths.map((path) => [path, parsePage(read(path))]));
const isOutside = (link: string): boolean => /^[a-z]+:/.test(link);

/** Page or file that a link of `page` leads to, from the root of the repository, and its anchor or ''. */
function target(page: string, link: string): { path: string; anchor: string } {
  const [file = '', anchor = ''] = decodeURI(link).split('#');
  return { path: file === '' ? page : relative(ROOT, join(ROOT, dirname(page), file)), anchor };
}

/** What `find` finds on each page, in code alone unless `inText`; each once, with the pages that have it. */
function named(find: RegExp, inText = false): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [path, { text, code }] of pages)
    for (const piece of inText ? [text] : code)
      for (const [, name] of piece.matchAll(find))
        found.set(name as string, [...(found.get(name as string) ?? []), path]);
  return found;
}

/** Fails with all that are missing, and where they stand. */
function assertAll(found: Map<string, string[]>, exists: (name: string) => boolean): void {
  assert.ok(found.size > 0, 'nothing was looked at');
  const missing = [...found]
    .filter(([name]) => !exists(name))
    .map(([name, where]) => `${name} in ${where[0]}`);
  assert.deepEqual(missing, []);
}

test('every relative link leads to a file that is there, and to a heading in it', () => {
  assert.ok(pages.size > 30);
  const broken: string[] = [];
  for (const [page, { links }] of pages)
    for (const link of links.filter((link) => !isOutside(link))) {
      const { path, anchor } = target(page, link);
      if (path.startsWith('..') || !existsSync(join(ROOT, path)))
        broken.push(`${page}: ${link}: no such file`);
      else if (anchor !== '' && !pages.get(path)?.anchors.has(anchor))
        broken.push(`${page}: ${link}: no such heading`);
    }
  assert.deepEqual(broken, []);
});

test('every page of docs/ is found from docs/README.md', () => {
  const seen = new Set(['docs/README.md']);
  for (const page of seen)
    for (const link of pages.get(page)?.links ?? []) {
      if (isOutside(link)) continue;
      const { path } = target(page, link);
      if (path.startsWith('docs/') && pages.has(path)) seen.add(path);
    }
  assert.deepEqual(
    paths.filter((path) => path.startsWith('docs/') && !seen.has(path)),
    [],
  );
});

test('every npm script that is named exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  assertAll(named(/\bnpm run ([a-z][a-z0-9:-]*)/g), (name) => name in scripts);
});

test('every variable DLOG_… that is named is read by a program, or set by the chart', () => {
  const settings = [loggerSettings, producerSettings].flatMap((table) => Object.values(table));
  const known = new Set(settings.map(({ variable }) => variable));
  for (const path of globSync('src/cli/**/*.ts', { cwd: ROOT }))
    for (const [, name] of read(path).matchAll(/environment\.(DLOG_[A-Z_]+)/g)) known.add(name as string);
  for (const [, name] of read('charts/distributed-logger/templates/logger/_env.tpl').matchAll(
    /name: (DLOG_[A-Z_]+)/g,
  ))
    known.add(name as string);
  assertAll(named(/\b(DLOG_[A-Z_]*[A-Z])\b/g, true), (name) => known.has(name));
});

test('every command of dlog that is named exists', () => {
  const words = new Set<string>(['help', ...COMMANDS.flatMap((command) => command.split(' ')[0] as string)]);
  assertAll(named(/(?:^|[`(]|\brun |&& )dlog ([a-z][a-z-]*)/g), (name) => words.has(name));
});

test('every value that helm is told to set exists in the chart', () => {
  const values = parse(read('charts/distributed-logger/values.yaml')) as Record<string, unknown>;
  // Below an empty map any name may be set: tolerations, annotations.
  const exists = (name: string): boolean => {
    let at: unknown = values;
    for (const part of name.split('.')) {
      if (typeof at !== 'object' || at === null) return false;
      if (Object.keys(at).length === 0) return true;
      if (!(part in at)) return false;
      at = (at as Record<string, unknown>)[part];
    }
    return true;
  };
  assertAll(named(/--set(?:-json|-string)?[ =]['"]?([a-z][a-zA-Z.]*)(?:\[\d+\])?=/g), exists);
});

test('every file of the repository that is named exists', () => {
  const FILES = /(?:^|[\s(=])((?:src|test|scripts|charts|k8s|docs)\/[\w./-]*\w)/g;
  assertAll(named(FILES), (path) => existsSync(join(ROOT, path)));
});
