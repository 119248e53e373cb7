// What dlog says and how it ends when its own output cannot be written: as a process, since only that has one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startApi } from '../../support/api.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const FULL = '/dev/full';

async function runWith(output: string, args: readonly string[], url: string) {
  const descriptor = openSync(output, 'w');
  const child = spawn(process.execPath, [MAIN, ...args, '--url', url], {
    stdio: ['ignore', descriptor, 'pipe'],
  });
  closeSync(descriptor);
  const [errors, [code]] = await Promise.all([text(child.stderr!), once(child, 'close')]);
  return { code, errors };
}

test('a full disk under the output: one message, 1 for a reader and 75 for a writer', {
  skip: !existsSync(FULL),
}, async (t) => {
  const { url, service } = await startApi(t);
  service.fill('a', 'b');
  for (const args of [['status'], ['tail'], ['tail', '--follow', '--from', 'earliest'], ['members']]) {
    const { code, errors } = await runWith(FULL, args, url);
    assert.equal(code, 1, args.join(' '));
    assert.match(errors, /^dlog: the output cannot be written: ENOSPC.*\nhint: is there room.*\n$/);
  }
  const { code, errors } = await runWith(FULL, ['produce', '--json', 'x'], url);
  assert.equal(code, 75);
  const { error } = JSON.parse(errors);
  assert.deepEqual([error.code, error.outcome, error.exitCode], ['file-error', 'unknown', 75]);
});

test('a reader of the output that leaves ends a reader with 0, and a writer as unknown', async (t) => {
  const { url, service } = await startApi(t);
  service.fill(...Array.from({ length: 3000 }, (_, at) => `${at} ${'x'.repeat(100)}`));
  const ends = async (args: readonly string[], input: string) => {
    const child = spawn(process.execPath, [MAIN, ...args, '--url', url], { stdio: 'pipe' });
    child.stdin.on('error', () => {}); // it may end before it has read everything
    child.stdin.end(input);
    child.stdout.destroy();
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    return { code, errors };
  };
  assert.deepEqual(await ends(['tail', '--from', 'earliest'], ''), { code: 0, errors: '' });
  const { code, errors } = await ends(['produce', '--json'], 'x\n'.repeat(10_000));
  assert.equal(code, 75);
  assert.match(errors, /"code":"file-error".*EPIPE/);
});
