// The mutants: one rule taken out each, and how to look for the fault. `findFault` runs seeds until a check fails.
import { ALL_RULES, type Rules } from '../../src/replica/index.ts';
import type { ModelFlaws } from './model-log.ts';
import { SimulationFailure, simulate } from './simulation.ts';
import type { LogFlaws } from './watched-log.ts';

export interface Mutant {
  readonly rules?: Partial<Rules>;
  readonly flaws?: LogFlaws & ModelFlaws;
}

const without = (rule: keyof Rules): Mutant => ({ rules: { [rule]: false } });

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  ...Object.fromEntries((Object.keys(ALL_RULES) as (keyof Rules)[]).map((rule) => [rule, without(rule)])),
  pairAfterLog: { rules: { pairAfterLog: false }, flaws: { pairBeforeLog: true } },
  tableRolledBack: { flaws: { tableKept: true, tableKeptOverCut: true } },
};

export async function findFault(
  mutant: Mutant,
  { firstSeed, seeds, steps }: { firstSeed: number; seeds: number; steps: number },
): Promise<{ seed: number; message: string; tried: number } | null> {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    try {
      await simulate({ seed, steps, rules: { ...ALL_RULES, ...mutant.rules }, flaws: mutant.flaws });
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      return { seed, message: error.message, tried: seed - firstSeed + 1 };
    }
  }
  return null;
}
