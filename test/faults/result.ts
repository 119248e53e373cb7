// What one run of a fault has shown.
import type { Report } from '../../src/verify/index.ts';
import type { Budget } from './budget.ts';

export interface Result {
  readonly fault: string;
  readonly target: string;
  readonly gapMs: number;
  /** From the fault to the beginning of that gap; below zero when a call was under way. */
  readonly gapAfterMs: number;
  readonly failed: Readonly<Record<string, number>>;
  /** The longest time without an acknowledgement of a client that knows the Service alone and repeats nothing. */
  readonly plainGapMs: number | null;
  /** What came when after the fault; null where no new leader was to be expected. */
  readonly budget: Budget | null;
  readonly acknowledged: number;
  readonly verdict: Report['verdict'];
  readonly counts: Report['counts'];
}
