// How what is no number is written in a column of numbers.
import type { CallOutcome } from './history.ts';

/** Stands for null, undefined and "none". */
export const NONE = -1;

export const OUTCOMES: readonly CallOutcome[] = ['ok', 'refused', 'unknown'];
export const OK = 0;
export const REFUSED = 1;
export const UNKNOWN = 2;
