import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openData, removeData } from '../../../src/stack/data.ts';

async function directory(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'stack-data-test-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

test('without a directory there is a temporary one, removed at the end', async () => {
  const data = await openData(null, false);
  assert.equal(data.cluster, 'local');
  assert.ok(existsSync(data.directory));
  await removeData(data);
  assert.ok(!existsSync(data.directory));
});

test('a given directory is kept, with the cluster and the producer id', async (t) => {
  const given = join(await directory(t), 'new');
  const first = await openData(given, true);
  await removeData(first);
  const second = await openData(given, false);
  assert.deepEqual(second, first);
  assert.match(first.cluster, /^local-[0-9a-f]{8}$/);
  assert.match(first.producerId, /^[1-9]\d*$/);
});

test('two stacks on one Consul have clusters of different names', async (t) => {
  const [a, b] = [await openData(await directory(t), true), await openData(await directory(t), true)];
  assert.notEqual(a.cluster, b.cluster);
});

test('a directory whose file says something else is refused', async (t) => {
  const given = await directory(t);
  await writeFile(join(given, 'stack.json'), '{}');
  await assert.rejects(openData(given, false), /stack\.json was not written by a stack/);
});
