import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../src/stack/consul-ports.ts';

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

test('what the machine refuses is one line, with the setting and what is needed, and 78', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'program-test-'));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, 'file');
  await writeFile(file, '');
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const [free] = await freePorts(1);
  const settings = {
    DLOG_ID: 'logger-0',
    DLOG_PEERS: 'logger-0=127.0.0.1:9',
    DLOG_PEER_ADDRESS: '127.0.0.1:9',
    DLOG_CONSUL_URLS: 'http://127.0.0.1:1',
    DLOG_KUBERNETES: 'off',
    DLOG_PEER_HOST: '127.0.0.1',
    DLOG_DATA_DIR: join(directory, 'data'),
  };
  const unusable = await run([loggerMain], { ...settings, DLOG_DATA_DIR: file });
  assert.equal(unusable.code, 78);
  assert.match(
    unusable.stderr,
    /^wrong configuration: DLOG_DATA_DIR: uid \d+ cannot use .*file: EEXIST.*\n$/,
  );
  for (const setting of ['DLOG_PEER_PORT', 'DLOG_BEAT_PORT']) {
    const taken = await run([loggerMain], {
      ...settings,
      DLOG_PEER_PORT: String(free),
      [setting]: String(port),
    });
    assert.equal(taken.code, 78, taken.stderr);
    assert.match(taken.stderr, /^wrong configuration: DLOG_PEER_PORT or DLOG_BEAT_PORT: listen E.*\n$/);
    assert.equal(taken.stderr.includes(`EADDRINUSE: address already in use 127.0.0.1:${port}`), true);
  }
});
