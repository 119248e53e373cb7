import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });

test('--help gives the usage', () => {
  const { status, stdout, stderr } = bench('--help');
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.match(stdout, /^usage: npm run bench -- WORK/);
});

for (const [args, problem] of [
  [[], 'no work is named'],
  [['nonsense'], 'unknown work: nonsense'],
  [['rate', 'twice'], 'unknown work: rate twice'],
  [['rate', '--nonsense'], 'unknown option: --nonsense'],
  [['rate', '--size'], '--size takes a value'],
  [['rate', '--json=no'], '--json takes no value'],
  [['rate', '--size', '1k'], '--size takes a whole number from 13 to 1048576'],
  [['rate', '--write'], '--write goes with figures and scale'],
] as const)
  test(`${args.join(' ') || 'nothing'}: told in one line, with the usage`, () => {
    const { status, stdout, stderr } = bench(...args);
    assert.deepEqual({ status, stdout }, { status: 64, stdout: '' });
    assert.ok(stderr.startsWith(`${problem}\n\nusage: npm run bench`), stderr);
  });
