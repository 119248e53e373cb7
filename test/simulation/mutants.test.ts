// The tests are tested: with a rule taken out, some seed must fail, within a bounded number of them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ALL_RULES } from '../../src/replica/index.ts';
import { mutated, SOURCE_MUTANTS } from '../mutants/table.ts';
import { findFault, MUTANTS } from './mutants.ts';

const SEEDS_MAX = 60;
const STEPS = 20_000;

for (const [name, mutant] of Object.entries(MUTANTS))
  test(`mutant: ${name}`, async (context) => {
    const found = await findFault(mutant, { firstSeed: 1, seeds: SEEDS_MAX, steps: STEPS });
    assert.ok(found, `no fault in ${SEEDS_MAX} seeds: the checks do not notice that this rule is missing`);
    context.diagnostic(found.message.split('\n')[0] ?? '');
  });

test('every rule is taken out by some mutant', () => {
  const covered = new Set(Object.values(MUTANTS).flatMap(({ rules }) => Object.keys(rules ?? {})));
  assert.deepEqual(
    Object.keys(ALL_RULES).filter((rule) => !covered.has(rule)),
    [],
  );
});

test('every mutant of `npm run mutants` still applies', () => {
  const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const past = Object.entries(SOURCE_MUTANTS).filter(([, one]) => mutated(read(one.file), one) === null);
  assert.deepEqual(
    past.map(([name]) => name),
    [],
  );
});

test('no product code takes a rule out', () => {
  const sources = readdirSync(new URL('../../src', import.meta.url), { recursive: true, encoding: 'utf8' });
  const naming = sources.filter((path) => {
    if (!path.endsWith('.ts') || path.startsWith('replica/')) return false;
    const source = readFileSync(new URL(`../../src/${path}`, import.meta.url), 'utf8');
    // Comments may speak of them.
    return /\brules\b|ALL_RULES/.test(source.replace(/^\s*(\/\/|\/?\*).*$/gm, ''));
  });
  // The driver passes on what the simulation gives it, and all rules otherwise. The rehearsal plays with all, and decides nothing.
  assert.deepEqual(naming.sort(), [
    'logger/driver/driver.ts',
    'logger/driver/outside.ts',
    'logger/rehearsal.ts',
  ]);
});
