import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ANOMALIES } from '../../../src/verify/index.ts';

test('docs/reference/verify.md tells every kind of anomaly', () => {
  const page = readFileSync(new URL('../../../docs/reference/verify.md', import.meta.url), 'utf8');
  const rows = Object.entries(ANOMALIES).map(([kind, meaning]) => `| \`${kind}\` | ${meaning} |\n`);
  assert.ok(page.includes(`| --- | --- |\n${rows.join('')}\n`));
});
