// What npm's scripts need of a machine: Node 24, and leave for the install script that brings it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const readJson = (file: string) => JSON.parse(readFileSync(`${root}${file}`, 'utf8'));
const manifest = readJson('package.json');

test('an older Node is told so in one sentence, by every script that people begin with', () => {
  for (const name of ['start', 'test', 'dlog'])
    assert.match(manifest.scripts[name], /^node -r \.\/scripts\/need-node-24\.cjs /, name);
  const preload = (version: string) => {
    const older = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'${version}'}})`;
    const arguments_ = [
      '--import',
      older,
      '--input-type=module',
      '-e',
      "await import('./scripts/need-node-24.cjs')",
    ];
    return spawnSync(process.execPath, arguments_, { cwd: root, encoding: 'utf8' });
  };
  const { status, stderr } = preload('22.23.1');
  assert.equal(status, 78);
  assert.match(stderr, /^distributed-logger needs Node 24 or later, and this is v[^\n]+\n$/);
  assert.deepEqual([preload('24.0.0').status, preload('24.0.0').stderr], [0, '']);
});

test('npm 12 may run the install scripts of all that is needed here, and of nothing else', () => {
  const packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }> =
    readJson('package-lock.json').packages;
  const scripted = Object.entries(packages).filter(
    ([, { hasInstallScript, optional }]) => hasInstallScript && !optional,
  );
  const names = scripted.map(([path]) =>
    path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
  );
  assert.deepEqual(manifest.allowScripts, Object.fromEntries(names.sort().map((name) => [name, true])));
});
