// The rules whose absence a test must notice. A product replica always runs with all of them: only the simulation
// (test/simulation) passes another record, to prove that its checks see the fault which each rule prevents.

export interface Rules {
  /** Rule 2: a promise is answered only when it is on disk. */
  readonly promiseStored: boolean;
  /** Rule 2: the answer waits until every appended byte is on disk, and covers it. */
  readonly promiseCoversAll: boolean;
  /** Rule 2: entries of a stream end with the promise to a higher claim. */
  readonly promiseCheckedOnAppend: boolean;
  /** Rule 2: no acknowledgement for a lower epoch leaves after a promise. */
  readonly lateAckVoid: boolean;
  /** Rule 2: positions compare by epoch first, not by their end alone. */
  readonly positionByEpoch: boolean;
  /** Rule 2: the leader adopts the highest position before its epoch starts. */
  readonly adoptHighest: boolean;
  /** Rule 2: a voter that is not certain of its log counts only where all members promise. */
  readonly certainCounted: boolean;
  /** Rule 1: a process that restarts never resumes an epoch. */
  readonly noResumption: boolean;
  /** Rule 3: a pair is stored only after all records below its start. */
  readonly pairAfterLog: boolean;
  /** Rule 4: matching is left out only for a log that is the leader's as a whole; the same end does not make it so. */
  readonly wholeLogShared: boolean;
  /** Rule 4: a follower cuts what its leader lacks. */
  readonly followerCut: boolean;
  /** Rule 4: a follower acknowledges after fsync. */
  readonly ackAfterSync: boolean;
  /** Rule 4: followers take commit only once matched. */
  readonly commitOnceMatched: boolean;
  /** Rule 5: only what is acknowledged in this epoch by matched followers counts. */
  readonly ownEpochOnly: boolean;
  /** Rule 5: nothing is committed below the start of the epoch. */
  readonly epochStart: boolean;
  /** Rule 5: majorities, not single acknowledgements. */
  readonly majority: boolean;
  /** Section 5: a sync completion counts only in the generation it was issued in. */
  readonly generationChecked: boolean;
  /** Rule 6: both sets count while a change is under way. */
  readonly jointCounting: boolean;
  /** Rule 6: joint counting ends only when the outcome is known. */
  readonly jointUntilKnown: boolean;
  /** Rule 6: joint counting ends only when majorities of both sets have stored the new one. */
  readonly changeKnown: boolean;
  /** Rule 6: the version of the newest members known outlives a restart. */
  readonly versionStored: boolean;
  /** Rule 6: a register is old when a voter knows a later epoch or newer members. */
  readonly votersAsked: boolean;
  /** Rule 6: no voter counts for a claim that relies on members which it knows to be replaced. */
  readonly electorateChecked: boolean;
  /** Rule 6: a member is its uid, not its id. */
  readonly uidChecked: boolean;
}

export const ALL_RULES: Rules = {
  promiseStored: true,
  promiseCoversAll: true,
  promiseCheckedOnAppend: true,
  lateAckVoid: true,
  positionByEpoch: true,
  adoptHighest: true,
  certainCounted: true,
  noResumption: true,
  pairAfterLog: true,
  wholeLogShared: true,
  followerCut: true,
  ackAfterSync: true,
  commitOnceMatched: true,
  ownEpochOnly: true,
  epochStart: true,
  majority: true,
  generationChecked: true,
  jointCounting: true,
  jointUntilKnown: true,
  changeKnown: true,
  versionStored: true,
  votersAsked: true,
  electorateChecked: true,
  uidChecked: true,
};
