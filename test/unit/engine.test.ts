// What V8 is told. By a process of its own: V8 says on stderr when it does not know an option, and goes on without it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';

const ENGINE = new URL('../../src/engine.ts', import.meta.url).href;

const PROGRAM = `
  import * as engine from ${JSON.stringify(ENGINE)};
  engine.tuneEngine();
  engine.tuneCollector();
  await engine.startSmall(() => engine.loadWhole(async () => console.log('started')));
`;

test('V8 knows every option that it is given', () => {
  const args = ['--input-type=module', '--eval', PROGRAM];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual({ stdout, stderr, status }, { stdout: 'started\n', stderr: '', status: 0 });
});
