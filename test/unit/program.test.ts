import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = new URL('../../src/program.ts', import.meta.url).href;
const loggerMain = fileURLToPath(new URL('../../src/logger/main.ts', import.meta.url));

/** Runs `script` around runProgram; resolves with exit code and stderr. `act` is called at its first line of stdout. */
async function run(args: string[], environment: Record<string, string>, act?: (pid: number) => void) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout.once('data', () => act?.(child.pid!));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

const script = (start: string): string[] => [
  '--input-type=module',
  '-e',
  `import { runProgram } from ${JSON.stringify(program)};
   const hold = setInterval(() => {}, 1000);
   await runProgram(async () => { ${start} });`,
];

test('a signal ends a program in order, with 0', async () => {
  const { code } = await run(
    script('setTimeout(() => console.log("up")); return { stop: async () => {} };'),
    {},
    (pid) => process.kill(pid, 'SIGTERM'),
  );
  assert.equal(code, 0);
});

test('a failed start ends with 70 and says why', async () => {
  const { code, stderr } = await run(script('throw new Error("no ground under it");'), {});
  assert.equal(code, 70);
  assert.match(stderr, /no ground under it/);
});

test('a logger with a wrong configuration ends with 78 and names every variable', async () => {
  const { code, stderr } = await run([loggerMain], { DLOG_ID: 'Not An Id', DLOG_API_PORT: 'eighty' });
  assert.equal(code, 78);
  assert.match(stderr, /DLOG_ID is "Not An Id": it takes /);
  assert.match(stderr, /DLOG_API_PORT is "eighty": it takes /);
});
