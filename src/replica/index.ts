// The public face of the replication core.
export { Replica } from './replica.ts';
export { ALL_RULES, type Rules } from './rules.ts';
export type { Config, Initial, State } from './state.ts';
export { DEFAULT_TIMINGS, type Timings } from './timings.ts';
export * from './types.ts';
