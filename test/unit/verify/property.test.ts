// Histories of a correct log, made at random, are right; with a single change that no correct log could make, they are not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textOf, verifyText } from '../../support/history.ts';
import { historyOf } from '../../support/history-model.ts';
import { MUTATIONS } from '../../support/history-mutations.ts';

const choices = fc.array(fc.nat(8 * 60 - 1), { minLength: 20, maxLength: 120 });
const RUNS = 200;
/** A mutation that hardly ever applies shows nothing. */
const MIN_APPLIED = RUNS / 4;

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
    let applied = 0;
    await fc.assert(
      fc.asyncProperty(choices, fc.nat(1000), async (steps, pick) => {
        const changed = mutate(historyOf(steps), pick);
        if (!changed) return;
        applied += 1;
        const { verdict } = await verifyText(textOf(changed));
        assert.equal(verdict, 'invalid');
      }),
      { numRuns: RUNS },
    );
    assert.ok(applied >= MIN_APPLIED, `applied to ${applied} of ${RUNS} histories`);
  });
