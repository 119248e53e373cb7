// docs/reference/client.md against the code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { endsProducerEpoch } from '../../../src/client/errors.ts';
import { LogClient, Producer } from '../../../src/client/index.ts';
import { settingsOf } from '../../../src/client/settings.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = read('docs/reference/client.md');

test('every public method has its line', () => {
  for (const part of [Producer, LogClient])
    for (const name of Object.getOwnPropertyNames(part.prototype).filter((name) => name !== 'constructor'))
      assert.match(page, new RegExp(`\`${name}[(\`]|\`${name}\`|, \`${name}\``), name);
});

test('the defaults are those of the code', () => {
  const { requestTimeoutMs, connectTimeoutMs, retryMaxMs } = settingsOf({});
  for (const [name, value] of Object.entries({ requestTimeoutMs, connectTimeoutMs, retryMaxMs }))
    assert.match(page, new RegExp(`\\| \`${name}\` \\|.* ${value} \\|`));
});

test('every option has its line', () => {
  const declaration =
    /export interface ClientOptions \{([\s\S]*?)\n\}/.exec(read('src/client/types.ts'))?.[1] ?? '';
  const names = [...declaration.matchAll(/^ {2}readonly (\w+)\?:/gm)].map((match) => match[1]);
  assert.ok(names.length >= 8);
  for (const name of names) assert.ok(page.includes(`| \`${name}\` |`), name);
});

test('every code of the client itself is explained', () => {
  const declaration = /export type ClientErrorCode =([^;]+);/.exec(read('src/client/errors.ts'))?.[1] ?? '';
  const codes = [...declaration.matchAll(/'([a-z-]+)'/g)].map((match) => match[1]);
  assert.ok(codes.length >= 5);
  for (const code of codes) assert.ok(page.includes(`| \`${code}\` |`), code);
});

test('the codes that end an epoch are named', () => {
  const sentence = /After (.+?) the producer sends nothing more/.exec(page)?.[1] ?? '';
  const named = [...sentence.matchAll(/`([a-z-]+)`/g)].map((match) => match[1] as string);
  assert.equal(named.length, 6);
  assert.ok(named.every((code) => endsProducerEpoch(code as Parameters<typeof endsProducerEpoch>[0])));
});
