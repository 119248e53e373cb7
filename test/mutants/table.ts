// Faults that a change could bring back, as text replaced in the sources, each with the tests that must notice. What a
// named rule of the core prevents is in test/simulation/mutants.ts; here is what no rule can be taken out for.

/** What is run: test files, or a schedule of the simulation on a few seeds. */
export type Command =
  | { readonly tests: readonly string[] }
  | { readonly schedule: string; readonly seeds?: number };

export interface SourceMutant {
  readonly file: string;
  /** Found exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Must be red with the mutant in place, and green without. */
  readonly killedBy: Command;
}

const safety: Command = { tests: ['test/unit/replica/safety.test.ts'] };
const stories: Command = { tests: ['test/unit/replica/stories.test.ts'] };
const restored: Command = { tests: ['test/unit/replica/restored-consul.test.ts'] };

export const SOURCE_MUTANTS: Readonly<Record<string, SourceMutant>> = {
  'a promise counts though its connection is lost before the epoch starts': {
    file: 'src/replica/leadership.ts',
    find: "  if (leading.phase === 'promising' || leading.phase === 'adopting') leading.promises.delete(identity);\n",
    replace: '  void identity;\n',
    killedBy: { schedule: 'promiseThenBreak' },
  },
  'the driver says that a promise is stored when the save begins': {
    file: 'src/logger/driver/log-runner.ts',
    find: 'void this.#untilRoom(() => this.#state.save(state)).then(() =>',
    replace: 'void this.#untilRoom(() => this.#state.save(state));\n    void Promise.resolve().then(() =>',
    killedBy: { schedule: 'promiseBeforeDisk' },
  },
  'another incarnation of the promised epoch is promised too': {
    file: 'src/replica/promise.ts',
    find: 'claim.epoch > promisedEpoch(s) || sameClaim(claim, s.promised)',
    replace: 'claim.epoch >= promisedEpoch(s)',
    killedBy: safety,
  },
  'a refusal by the own epoch is ignored': {
    file: 'src/replica/leadership.ts',
    find: "  stepDown(s, 'same-epoch');\n",
    replace: '',
    killedBy: restored,
  },
  'a register is not old though a voter knows a later epoch': {
    file: 'src/replica/campaign.ts',
    find: 'given.knownEpoch > epoch ||',
    replace: '',
    killedBy: safety,
  },
  'joint counting ends before the new members are stored by the leader': {
    file: 'src/replica/members.ts',
    find: 'if (!sameMembers(s.durable.members, members) || !isStored(s, { version })) return false;',
    replace: '',
    killedBy: safety,
  },
  'a register is rebuilt though its members do not agree': {
    file: 'src/replica/bootstrap.ts',
    find: 'return given?.yes !== true || !agrees(s, given);',
    replace: 'return given?.yes !== true;',
    killedBy: safety,
  },
  'a majority of the promises is enough for a rebuild': {
    file: 'src/replica/bootstrap.ts',
    find: "run.quorum = 'all';",
    replace: "run.quorum = 'majority';",
    killedBy: stories,
  },
  'a confirmation joins the round under way': {
    file: 'src/replica/confirm.ts',
    find: 'const round = leading.confirmRound + 1;',
    replace: 'const round = Math.max(1, leading.confirmRound);',
    killedBy: safety,
  },
  'the lock is retaken with the old members after a change': {
    file: 'src/replica/register.ts',
    find: 'const { members, version } = settledMembers(leading);',
    replace: 'const { members, membersVersion: version } = leading;',
    killedBy: safety,
  },
  'a leader leads before its own promise is on disk': {
    file: 'src/replica/leadership.ts',
    find: 'if (!promiseHolds(s) || !isSettled(s)) return;',
    replace: 'if (!isSettled(s)) return;',
    killedBy: safety,
  },
  'who was removed from the members may run': {
    file: 'src/replica/register.ts',
    find: '  isMember(s, value && !isOld(s, value) ? value.members : s.membersSeen) ||\n  (value === null && s.membersSeen.length === 0);',
    replace: '  isMember(s, value?.members ?? []) || true;',
    killedBy: safety,
  },
  'appends that were held reach the log after the leadership': {
    file: 'src/logger/driver/driver.ts',
    find: 'effect.held || this.#replica.state.leading === null',
    replace: 'effect.held',
    killedBy: { schedule: 'heldAppends' },
  },
  'a commit below the start of the epoch is called current': {
    file: 'src/logger/driver/current-commit.ts',
    find: 'if (!pair || commit < pair.start) return false;',
    replace: 'if (!pair) return false;',
    killedBy: { tests: ['test/unit/logger/current-commit.test.ts'] },
  },
  'a damaged batch of a peer is appended': {
    file: 'src/logger/driver/log-runner.ts',
    find: 'if (problem !== null) throw',
    replace: 'if (problem === "") throw',
    killedBy: { tests: ['test/unit/logger/log-runner.test.ts'] },
  },
  'pairs are cut before the records above them': {
    file: 'src/logger/driver/log-runner.ts',
    find: 'if (end < this.#log.end) await this.#log.truncate(end);\n    if ((this.#log.pairs.at(-1)?.epoch ?? 0) > sharedEpoch) await this.#log.cutPairsAbove(sharedEpoch);',
    replace:
      'if ((this.#log.pairs.at(-1)?.epoch ?? 0) > sharedEpoch) await this.#log.cutPairsAbove(sharedEpoch);\n    if (end < this.#log.end) await this.#log.truncate(end);',
    killedBy: { tests: ['test/unit/logger/log-runner.test.ts'] },
  },
  'a new segment gets an older copy of the producer table': {
    file: 'src/log/content.ts',
    find: 'encodeProducers(this.producers, this.end)',
    replace: 'encodeProducers(this.#copies.at(-1)?.table ?? this.producers, this.end)',
    killedBy: { tests: ['test/unit/log/truncate.test.ts'] },
  },
  'a cut takes the newest copy of the producer table': {
    file: 'src/log/content.ts',
    find: 'this.#copies.findLast((copy) => copy.offset <= offset)',
    replace: 'this.#copies.at(-1)',
    killedBy: { tests: ['test/unit/log/truncate.test.ts'] },
  },
  'what was found in the state file is not stored again': {
    file: 'src/log/state-file.ts',
    find: 'for (const at of [0, middle])',
    replace: 'for (const at of [0, middle].slice(2))',
    killedBy: { schedule: 'promiseInCache' },
  },
  'records are stamped by the clock of the leader': {
    file: 'src/logger/driver/log-time.ts',
    find: 'return Math.floor(this.#agreed.timeMs + nowMs - this.#agreed.atMs);',
    replace: 'return Math.floor(this.#options.wall());',
    killedBy: { schedule: 'leapingClock' },
  },
  'retention goes by the clock of the leader': {
    file: 'src/logger/driver/log-time.ts',
    find: 'return Math.min(reachedMs, this.#agreed?.timeMs ?? reachedMs);',
    replace: 'return this.#options.wall() + 0 * reachedMs;',
    killedBy: { schedule: 'leapingClock' },
  },
  'a promise is saved while the second copy is in doubt': {
    file: 'src/log/state-file.ts',
    find: '    await this.#copy();\n    const text',
    replace: '    const text',
    killedBy: { tests: ['test/unit/log/state-file.test.ts'] },
  },
};

/** The source with the mutant in it; null when it does not apply. */
export function mutated(source: string, { find, replace }: SourceMutant): string | null {
  const parts = source.split(find);
  return parts.length === 2 ? parts.join(replace) : null;
}
