// The short form: for each target the cases of a fixed seed, and as many of a fresh one, which is printed.
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { fuzz } from './runner.ts';
import { TARGETS } from './targets.ts';

const FIXED_SEED = 1;

for (const target of TARGETS)
  for (const seed of [FIXED_SEED, randomInt(2 ** 31)])
    test(`${target.name}, seed ${seed}: ${target.about}`, async () => {
      // At once: a run that is ended from outside shows no names of tests.
      if (seed !== FIXED_SEED) console.log(`${target.name}: fresh seed ${seed}`);
      await fuzz(target, { seed, cases: target.shortCases });
    });
