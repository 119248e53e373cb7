import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { follow } from '../../../src/security/followed.ts';
import { readToken, readTokens, type Tokens } from '../../../src/security/index.ts';
import { until } from '../../support/until.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);

async function directoryWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-tokens-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

test('a token has the roles of the files that hold it', async (t) => {
  const files = { produce: `${A}\n`, read: `# both\n${A}\n\n`, 'read.grafana': B, '..data': 'not looked at' };
  const tokens = await readTokens(await directoryWith(t, files));
  assert.equal(tokens.size, 2);
  assert.deepEqual([...(tokens.rolesOf(A) ?? [])].sort(), ['produce', 'read']);
  assert.deepEqual([...(tokens.rolesOf(B) ?? [])], ['read']);
  for (const other of ['', 'a', `${A}a`, A.toUpperCase()]) assert.equal(tokens.rolesOf(other), null);
});

const wrong: [string, Readonly<Record<string, string>>, RegExp][] = [
  ['an unknown role', { admin: A }, /admin: its name is not that of a role/],
  ['a short token', { read: `${A}\nshort` }, /read, line 2 is no token/],
  ['a token with a space', { read: `${A} ${B}` }, /read, line 1 is no token/],
  ['a file without a token', { read: A, operate: '\n' }, /operate holds no token/],
  ['no file at all', {}, /holds no file of tokens/],
  ['more than fits', { read: `${A}\n`.repeat(3000) }, /read is larger/],
];
for (const [what, files, expected] of wrong)
  test(`${what} is refused without being told`, async (t) => {
    const directory = await directoryWith(t, files);
    await assert.rejects(readTokens(directory), (error: Error) => {
      assert.match(error.message, expected);
      assert.ok(!error.message.includes(A));
      return true;
    });
  });

/** Whole or not at all, as Kubernetes replaces them. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(join(dirname(dirname(file)), `${basename(dirname(file))}~`), text);
  await rename(join(dirname(dirname(file)), `${basename(dirname(file))}~`), file);
}

test('a change is taken up; trouble is told once and leaves the last good tokens', async (t) => {
  const directory = await directoryWith(t, { read: A });
  const errors: unknown[] = [];
  let changes = 0;
  const followed = await follow((last: Tokens | null) => readTokens(directory, last), {
    everyMs: 5,
    onError: (error) => void errors.push(error),
    onChange: () => {
      changes += 1;
    },
  });
  t.after(async () => followed.stop());
  await replace(join(directory, 'read'), `${A}\n${B}`);
  await until('the new token counts', () => followed.current.rolesOf(B) !== null);
  assert.ok(followed.current.rolesOf(A));
  await replace(join(directory, 'read'), 'x');
  await until('the trouble is told', () => errors.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(errors.length, 1);
  assert.ok(followed.current.rolesOf(A));
  await replace(join(directory, 'read'), B);
  await until('the old token is gone', () => followed.current.rolesOf(A) === null);
  assert.equal(changes, 2);
});

test('a token to present is the one in its file', async (t) => {
  const directory = await directoryWith(t, { one: `${A}\n`, two: `${A}\n${B}\n` });
  assert.equal(await readToken(join(directory, 'one')), A);
  await assert.rejects(readToken(join(directory, 'two')), /does not hold one token/);
});
