// docs/reference/start.md against the code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { USAGE } from '../../../src/stack/flags.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = read('docs/reference/start.md');

test('the page shows the usage as it is', () => {
  assert.ok(page.includes(`\`\`\`\n${USAGE}\n\`\`\``));
});

test('the page describes every event, and no other', () => {
  const declared = read('src/stack/events.ts')
    .split('\n')
    .filter((line) => line.includes('readonly event: '))
    .flatMap((line) => [...(/readonly event: ([^;]+)/.exec(line)?.[1] ?? '').matchAll(/'(\w+)'/g)])
    .map((match) => match[1]);
  const table = page.slice(page.indexOf('| `event` |')).split('\n').slice(2);
  const described = table
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`(\w+)`/g)])
    .map((match) => match[1]);
  assert.ok(declared.length > 10);
  assert.deepEqual(described.sort(), declared.sort());
});
