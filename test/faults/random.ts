// Faults by chance, from a seed: single ones and pairs of those that can stand together.
import { messageOf } from '../../src/errors.ts';
import { historyNow } from '../../src/verify/index.ts';
import type { Random } from '../support/random.ts';
import type { Arena } from './arena.ts';
import type { Fault, Strike } from './fault.ts';
import { both } from './nemesis/pairs.ts';

const PAIR_PROBABILITY = 0.3;

/** Both would strike the same thing, or each waits for what the other takes away. */
const together = (first: Fault, second: Fault): boolean => first !== second && !first.alone && !second.alone;

export function randomFault(faults: readonly Fault[], random: Random): Fault {
  const first = random.pick(faults);
  if (!random.chance(PAIR_PROBABILITY)) return first;
  const fitting = faults.filter((second) => together(first, second));
  if (first.alone || fitting.length === 0) return first;
  return pairOf(first, random.pick(fitting));
}

async function attempt({ name }: Fault, strike: Strike): Promise<number> {
  try {
    return await strike.make();
  } catch (error) {
    console.log(`not made: ${name}: ${messageOf(error)}`);
    return historyNow();
  }
}

/** What holds while a fault stands alone: beside a frozen process, say, a cut pod cannot be asked whether it still leads. */
const unasked = ({ during: _, ...rest }: Strike): Strike => rest;

const pairOf = (first: Fault, second: Fault): Fault => ({
  name: `${first.name} + ${second.name}`,
  needs: first.needs === 'lab' || second.needs === 'lab' ? 'lab' : 'kubectl',
  prepare: async (arena: Arena) => {
    const one = unasked(await first.prepare(arena));
    const other = unasked(await second.prepare(arena));
    // Whom two faults leave to lead is not known beforehand, nor whether the second finds what it was to strike.
    return { ...both(one, { ...other, make: () => attempt(second, other) }), newLeader: false };
  },
});
