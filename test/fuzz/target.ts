// What the runner asks of a target. A case is plain data, made from a seed and shrunk by fast-check; what it is run against
// (a server, a data directory) is a rig, which is opened once and anew after a case that failed.
import type * as fc from 'fast-check';

export interface Rig<Case> {
  /** Throws when the case shows a fault. */
  run(one: Case): Promise<void>;
  close(): Promise<void>;
}

export interface Target<Case = never> {
  readonly name: string;
  /** What is damaged, for people. */
  readonly about: string;
  /** Cases of each seed in the short form. */
  readonly shortCases: number;
  readonly cases: fc.Arbitrary<Case>;
  open(): Promise<Rig<Case>>;
}

/** A target whatever its cases are: the runner hands a target's cases to its own rig only. */
export type AnyTarget = Target<unknown>;

/** Hides the type of the cases, so that targets fit in one list. */
export const target = <Case>(one: Target<Case>): AnyTarget => one as unknown as AnyTarget;

/** A rig of nothing but a function. */
export const pure =
  <Case>(run: (one: Case) => void | Promise<void>) =>
  async (): Promise<Rig<Case>> => ({
    run: async (one) => run(one),
    close: async () => {},
  });
