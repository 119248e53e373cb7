// What a logger must not load when it starts, since it would lie in memory for nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('../../../src/logger/start.ts', import.meta.url));
const API = fileURLToPath(new URL('../../../src/api/index.ts', import.meta.url));
const LISTED = `
  import { createRequire } from 'node:module';
  await import(${JSON.stringify(START)});
  const { createApi } = await import(${JSON.stringify(API)});
  createApi({ service: {}, limits: {}, log: {}, metrics: {}, metricsText: null, version: '' });
  const packages = Object.keys(createRequire(import.meta.url).cache);
  process.stdout.write(JSON.stringify({ node: process.moduleLoadList, packages }));
`;

it("loads neither Node's second HTTP client, nor the package of it, nor a compiler of schemas", () => {
  const arguments_ = ['--input-type=module', '--eval', LISTED];
  const { node, packages } = JSON.parse(execFileSync(process.execPath, arguments_, { encoding: 'utf8' }));
  assert.ok(node.includes('NativeModule http'), "Node's list of what it has loaded is read right");
  assert.ok(packages.some((file: string) => file.includes('/node_modules/fastify/')));
  assert.deepEqual(
    [...node, ...packages].filter((name: string) => /undici|node_modules.ajv/.test(name)),
    [],
  );
});
