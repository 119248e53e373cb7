// The package as its users have it: built, found by its name and by nothing else, with types that stand alone; and every example
// of docs/reference/client.md compiled against it and run.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startApi } from '../../support/api.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const TIMEOUT_MS = 60_000;

interface PackageJson {
  readonly exports: Readonly<Record<string, Readonly<Record<'types' | 'default', string>>>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}
const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageJson;

const page = readFileSync(join(ROOT, 'docs/reference/client.md'), 'utf8');
const examples = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string);

const CONSUMER = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  },
  include: ['*.ts'],
};

const tsc = (args: readonly string[]): Promise<unknown> =>
  run(process.execPath, [TSC, ...args], { timeout: TIMEOUT_MS }).catch((error: { stdout?: string }) =>
    assert.fail(error.stdout || String(error)),
  );

describe('the package', () => {
  let directory: string;
  let installed: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dlog-package-'));
    installed = join(directory, 'installed');
    await mkdir(join(directory, 'node_modules'));
    await mkdir(installed);
    await copyFile(join(ROOT, 'package.json'), join(installed, 'package.json'));
    await symlink(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
    await symlink(installed, join(directory, 'node_modules', 'distributed-logger'));
    await tsc(['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')]);
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(CONSUMER));
    for (const [at, text] of examples.entries()) await writeFile(join(directory, `example-${at}.ts`), text);
  });
  after(() => rm(directory, { recursive: true }));

  it('has what its exports and its command name, among the files that are packed', () => {
    const targets = Object.values(packageJson.exports).flatMap((each) => Object.values(each));
    for (const target of [...targets, ...Object.values(packageJson.bin)]) {
      assert.ok(existsSync(join(installed, target)), target);
      const [top] = target.replace(/^\.\//, '').split('/');
      assert.ok(packageJson.files.includes(top as string), `${target} is packed`);
    }
    for (const command of Object.values(packageJson.bin))
      assert.match(readFileSync(join(installed, command), 'utf8'), /^#!\/usr\/bin\/env node\n/);
  });

  it('is imported by its name, and nothing of its inside is', async () => {
    const names = "import * as all from 'distributed-logger'; console.log(Object.keys(all).sort().join());";
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', names], { cwd: directory });
    assert.equal(stdout.trim(), 'ClientError,LogClient,Producer,endsProducerEpoch');
    const inside = "import 'distributed-logger/dist/client/http.js';";
    await assert.rejects(
      run(process.execPath, ['--input-type=module', '-e', inside], { cwd: directory }),
      /ERR_PACKAGE_PATH_NOT_EXPORTED/,
    );
  });

  it('has types that every example compiles with', async () => {
    assert.ok(examples.length >= 4, 'the page has examples');
    await tsc(['-p', directory]);
  });

  for (const at of examples.keys())
    it(`example ${at + 1} of the page runs`, async (t) => {
      const api = await startApi(t);
      api.service.fill('a', 'b', 'c');
      const env = { ...process.env, DLOG_URL: api.url };
      const file = join(directory, `example-${at}.ts`);
      const running = run(process.execPath, [file], { env, cwd: dirname(file), timeout: TIMEOUT_MS });
      // One of them sends the lines of its input.
      running.child.stdin?.end('one\ntwo\n');
      const { stdout, stderr } = await running;
      assert.equal(stderr, '');
      assert.ok(stdout !== '' || api.service.values.length > 3, 'it does something');
    });
});
