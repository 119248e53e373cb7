// Every wait of the core, in one record. None of them matters for safety (section 1: time decides nothing); they decide
// how fast a lost leader is replaced, and how much a slow one is forgiven.

export interface Timings {
  /** How often heartbeats are sent. */
  readonly heartbeatMs: number;
  /** A leader that was silent for so long is lost. */
  readonly suspectMs: number;
  /** A leader that a majority has not answered for so long steps down; also the bound on collecting promises. */
  readonly leaderQuietMs: number;
  /** A leader whose commit has not moved for so long, though records wait, steps down. */
  readonly leaderStuckMs: number;
  /** For so long after losing the leader a higher position vetoes a candidate. */
  readonly preferMs: number;
  /** Candidates of one cluster start this far apart, by the order of their uids. */
  readonly rankStepMs: number;
  /** A pre-vote without a majority is asked again after this, and so is Consul that had nothing new to tell. */
  readonly preVoteRetryMs: number;
  /** A voter that said yes leaves the candidate this long before it runs itself. */
  readonly yieldMs: number;
  /** A candidate whose write stays unsettled for so long gives up. */
  readonly campaignMs: number;
  /** How long a transfer may take before the leader goes on. */
  readonly transferMs: number;
  /** In a transfer: how long the old leader may take to commit what it has, and the new one waits for that. */
  readonly drainMs: number;
  /** How long a change of members may wait for its new member before it is dropped. */
  readonly changeMs: number;
  /** A first start waits this long for all configured loggers before it settles for a majority. */
  readonly bootstrapMs: number;
  /** After a failed read of the register, session or stream: again after this. */
  readonly retryMs: number;
  /** The session of a past leadership is destroyed after this, or when another holder is seen. */
  readonly lingerMs: number;
  /** After a leadership Consul is left alone for so long, but for its successor. */
  readonly calmMs: number;
  /** No event for so long: this process stood still, and its suspicions start anew. */
  readonly pauseMs: number;
  /** How long a confirmation of leadership may take. */
  readonly confirmMs: number;
  /** Records that a follower may be behind when its change of members or its transfer begins. */
  readonly caughtUpRecords: number;
}

export const DEFAULT_TIMINGS: Timings = {
  heartbeatMs: 50,
  suspectMs: 400,
  leaderQuietMs: 1000,
  leaderStuckMs: 5000,
  preferMs: 1000,
  rankStepMs: 4,
  preVoteRetryMs: 20,
  yieldMs: 50,
  campaignMs: 3000,
  transferMs: 3000,
  drainMs: 300,
  changeMs: 10_000,
  bootstrapMs: 1000,
  retryMs: 200,
  lingerMs: 5000,
  calmMs: 300,
  pauseMs: 200,
  confirmMs: 2000,
  caughtUpRecords: 4096,
};
