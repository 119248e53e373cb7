import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { cached } from '../../../scripts/tools/cache.ts';
import { goModule } from '../../../scripts/tools/go.ts';
import { objectSchemas } from '../../../scripts/tools/kubernetes-schemas.ts';
import { findProgram, ToolMissing } from '../../../scripts/tools/program.ts';

let directory: string;
const before = { ...process.env };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'distributed-logger-tools-'));
  process.env.XDG_CACHE_HOME = directory;
});
afterEach(async () => {
  for (const name of ['XDG_CACHE_HOME', 'PATH', 'SOME_BIN', 'GO_BIN']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  await rm(directory, { recursive: true });
});

describe('the cache of tools', () => {
  const incoming = async (): Promise<string[]> =>
    (await readdir(join(directory, 'distributed-logger/tools'))).filter((name) => name.startsWith('.'));

  it('fetches once', async () => {
    let fetched = 0;
    const fill = async (target: string): Promise<void> => {
      fetched += 1;
      await writeFile(join(target, 'tool'), 'x');
    };
    const first = await cached('tool-1', fill);
    assert.equal(await cached('tool-1', fill), first);
    assert.equal(fetched, 1);
    assert.equal(await readFile(join(first, 'tool'), 'utf8'), 'x');
    assert.deepEqual(await incoming(), []);
  });

  it('lets two fetch the same at once, and one of them wins', async () => {
    const fill = (target: string): Promise<void> => writeFile(join(target, 'tool'), 'x');
    const both = await Promise.all([cached('tool-1', fill), cached('tool-1', fill)]);
    assert.equal(both[0], both[1]);
    assert.deepEqual(await readdir(both[0]), ['tool']);
    assert.deepEqual(await incoming(), []);
  });

  it('keeps nothing of a fetch that failed', async () => {
    const fill = async (target: string): Promise<void> => {
      await writeFile(join(target, 'half'), 'x');
      throw new Error('the line went dead');
    };
    await assert.rejects(cached('tool-1', fill), /the line went dead/);
    assert.deepEqual(await readdir(join(directory, 'distributed-logger/tools')), []);
  });
});

describe('looking for a program', () => {
  it('takes the variable’s before that of PATH, and refuses one that cannot be run', async () => {
    const tool = join(directory, 'tool');
    await writeFile(tool, '#!/bin/sh\n');
    process.env.PATH = directory;
    assert.equal(findProgram('SOME_BIN', 'tool'), null);
    await chmod(tool, 0o755);
    assert.equal(findProgram('SOME_BIN', 'tool'), tool);
    process.env.SOME_BIN = process.execPath;
    assert.equal(findProgram('SOME_BIN', 'tool'), process.execPath);
    process.env.SOME_BIN = join(directory, 'absent');
    assert.throws(() => findProgram('SOME_BIN', 'tool'), /SOME_BIN is .*absent/);
  });

  it('says what to do where Go is missing', async () => {
    process.env.PATH = directory;
    delete process.env.GO_BIN;
    await assert.rejects(goModule({ path: 'example.com/m', version: 'v1.0.0', sum: '' }), (error: Error) => {
      assert.ok(error instanceof ToolMissing);
      assert.match(error.message, /Go was not found, and example\.com\/m is fetched with it: install Go/);
      return true;
    });
  });
});

describe('schemas from an OpenAPI document', () => {
  const kind = (name: string) => [{ group: 'apps.example.io', version: 'v1', kind: name }];
  const object = { kind: { type: 'string' }, metadata: { type: 'object' } };

  it('stand by themselves, one an object, with everything that they refer to', () => {
    const definitions = {
      Set: {
        'x-kubernetes-group-version-kind': kind('Set'),
        properties: { ...object, spec: { $ref: '#/definitions/Spec' } },
      },
      Spec: { properties: { parent: { $ref: '#/definitions/Spec' }, port: { $ref: '#/definitions/Port' } } },
      Port: { type: 'string', format: 'int-or-string' },
      Unused: { properties: {} },
      DeleteOptions: { 'x-kubernetes-group-version-kind': [...kind('A'), ...kind('B')], properties: object },
    };
    const schemas = Object.fromEntries(objectSchemas(definitions));
    assert.deepEqual(Object.keys(schemas), ['set-apps-v1.json']);
    const { definitions: inner } = schemas['set-apps-v1.json'] as { definitions: Record<string, object> };
    assert.deepEqual(Object.keys(inner), ['Set', 'Spec', 'Port']);
    assert.deepEqual(inner.Port, { type: ['integer', 'string'] });
    assert.deepEqual(inner.Spec, { ...definitions.Spec, additionalProperties: false });
  });

  it('leave a field alone that is called like a word of the schema language', () => {
    const properties = { ...object, properties: { type: 'string' }, format: { type: 'string' } };
    const definitions = { Odd: { 'x-kubernetes-group-version-kind': kind('Odd'), properties } };
    const [, schema] = [...objectSchemas(definitions)][0] ?? [];
    const { Odd } = (schema as { definitions: Record<string, { properties: object }> }).definitions;
    assert.deepEqual(Odd?.properties, properties);
  });
});
