// The mutants: one rule taken out each, and how to look for the fault. `findFault` runs seeds until a check fails.
import { ALL_RULES, type Rules } from '../../src/replica/index.ts';
import type { ModelFlaws } from './model-log.ts';
import type { ScheduleName } from './schedules.ts';
import { SimulationFailure, simulate } from './simulation.ts';
import type { LogFlaws } from './watched-log.ts';

export interface Mutant {
  readonly rules?: Partial<Rules>;
  readonly flaws?: LogFlaws & ModelFlaws;
  readonly schedule?: ScheduleName;
  /** The fault shows as a cluster that does not come to rest. */
  readonly stuck?: boolean;
  readonly log?: 'disk' | 'model';
}

const without = (...rules: (keyof Rules)[]): Pick<Mutant, 'rules'> => ({
  rules: Object.fromEntries(rules.map((rule) => [rule, false])),
});

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  // On the model: the product's log does not believe a log that is ahead of its promise.
  'a promise is answered before it is stored': {
    ...without('promiseStored'),
    schedule: 'forgottenPromise',
    log: 'model',
  },
  'a promise is not checked on append': { ...without('promiseCheckedOnAppend'), schedule: 'lateEntries' },
  'a promise does not cover what is not on disk yet, and is followed by late acknowledgements': {
    ...without('promiseCoversAll', 'lateAckVoid'),
    schedule: 'lateAcknowledgements',
  },
  'positions compare by their end alone': { ...without('positionByEpoch'), schedule: 'longOldTail' },
  'the highest position is not adopted': { ...without('adoptHighest'), schedule: 'laggingCandidate' },
  'a voter that may have lost records makes a leader': {
    ...without('certainCounted'),
    schedule: 'spoiledTail',
  },
  'an epoch is resumed after a restart': { ...without('noResumption'), schedule: 'quickRestart' },
  'a pair is stored before its records': {
    ...without('pairAfterLog'),
    flaws: { pairBeforeLog: true },
    schedule: 'pairThenPower',
    log: 'model',
  },
  'a follower does not cut what its leader lacks': {
    ...without('followerCut'),
    schedule: 'divergingTail',
    stuck: true,
  },
  'a log of the same length is taken for the same log': {
    ...without('wholeLogShared'),
    schedule: 'equalTails',
  },
  'acknowledged before fsync': without('ackAfterSync'),
  'commit taken before matched': { ...without('commitOnceMatched'), schedule: 'divergingTail' },
  'acknowledgements of an older epoch count': { ...without('ownEpochOnly'), schedule: 'figureEight' },
  'commit below the start of the epoch': {
    ...without('ownEpochOnly', 'epochStart'),
    schedule: 'figureEight',
  },
  'one acknowledgement is enough': without('majority'),
  'a stale sync completion counts after a cut': {
    ...without('generationChecked', 'promiseCoversAll'),
    schedule: 'staleCompletion',
    log: 'model',
  },
  'members change without joint counting': { ...without('jointCounting'), schedule: 'unknownChange' },
  'joint counting ends with an unknown outcome': {
    ...without('jointUntilKnown'),
    schedule: 'unknownChange',
  },
  'the version of the members is forgotten with a restart': {
    ...without('versionStored'),
    schedule: 'sameEpochBackup',
  },
  'a register is believed although voters know better': {
    ...without('votersAsked', 'electorateChecked'),
    schedule: 'partlyKnown',
  },
  'joint counting ends before the new members are known': {
    ...without('changeKnown'),
    schedule: 'unheardChange',
  },
  'a member is its id, not its uid': { ...without('uidChecked'), schedule: 'wipedVoter' },
  'the producer table is not rolled back': { flaws: { tableKept: true }, schedule: 'tableAfterCut' },
};

export async function findFault(
  mutant: Mutant,
  { firstSeed, seeds, steps }: { firstSeed: number; seeds: number; steps: number },
): Promise<{ seed: number; message: string; tried: number } | null> {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    try {
      await simulate({
        seed,
        steps,
        rules: { ...ALL_RULES, ...mutant.rules },
        flaws: mutant.flaws,
        schedule: mutant.schedule,
        log: mutant.log,
      });
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      // A story that cannot go on is a finding only where the missing rule costs progress and nothing else.
      if (error.message.includes(' in vain ') && !mutant.stuck) continue;
      return { seed, message: error.message, tried: seed - firstSeed + 1 };
    }
  }
  return null;
}
