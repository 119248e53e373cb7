import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PAGES } from '../../scripts/reference.ts';

for (const [page, render] of Object.entries(PAGES))
  test(`${page} says what the code says (npm run docs makes it anew)`, async () => {
    assert.equal(readFileSync(page, 'utf8'), await render());
  });
