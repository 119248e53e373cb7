// Histories of a correct log, made at random, are right; with a single change that no correct log could make, they are not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textOf, verifyText } from '../../support/history.ts';
import { historyOf } from '../../support/history-model.ts';
import { MUTATIONS } from '../../support/history-mutations.ts';

const choices = fc.array(fc.nat(8 * 60 - 1), { minLength: 20, maxLength: 120 });
const RUNS = 200;
/** For each history that is changed: a mutation that hardly ever applies shows nothing. */
const SKIPS_MAX = 10;

test('a correct history is valid', async () => {
  await fc.assert(
    fc.asyncProperty(choices, async (steps) => {
      const { verdict, anomalies, notes } = await verifyText(textOf(historyOf(steps)));
      assert.deepEqual([verdict, anomalies, notes], ['valid', [], []]);
    }),
    { numRuns: 5 * RUNS },
  );
});

for (const [name, mutate] of Object.entries(MUTATIONS))
  test(`found: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(choices, fc.nat(1000), async (steps, pick) => {
        const changed = mutate(historyOf(steps), pick);
        // Another history is made in place of one that has nothing to change, and too many of them fail the test.
        fc.pre(changed !== null);
        if (changed === null) return;
        const { verdict } = await verifyText(textOf(changed));
        assert.equal(verdict, 'invalid');
      }),
      { numRuns: RUNS / 2, maxSkipsPerRun: SKIPS_MAX },
    );
  });
