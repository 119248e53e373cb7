// The command line of the suite, and which faults it chooses.
import { parseArgs } from 'node:util';
import type { Fault } from './fault.ts';
import { FAULTS, PAIRS } from './nemesis/index.ts';

const MOST_RUNS = 100;

export interface Options {
  readonly faults: readonly Fault[];
  readonly runs: number;
  /** File of results: those of earlier runs of the command stay in it. */
  readonly results: string | null;
  readonly write: boolean;
}

/** The most telling ones, each of another kind: about twenty minutes with installing. */
const SHORT: readonly string[] = [
  'pod deleted, the leader',
  'pods deleted, all loggers at once',
  'container SIGKILL, the leader',
  'container SIGSTOP 30 s, the leader',
  "node cut off, the leader's",
  "node powered off, the leader's and Consul's own leader's",
  'leader cut from both followers',
  'all Consul servers stopped 60 s',
  'volume wiped, the leader',
  'disk full and freed, the leader',
  'Consul restored from a snapshot of an earlier epoch',
  "all of Consul's volumes wiped",
  'volume restored under its old uid, a follower',
  'kubectl rollout restart',
  'API server stopped + SIGKILL of the leader',
];

/** Throws for what is no option, or chooses nothing. */
export function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      short: { type: 'boolean', default: false },
      runs: { type: 'string', default: '1' },
      results: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const { only, short } = values;
  const all = [...FAULTS, ...PAIRS].filter(({ name }) => !short || SHORT.includes(name));
  const faults = only ? all.filter(({ name }) => only.some((text) => name.includes(text))) : all;
  if (faults.length === 0) throw new TypeError(`no fault's name has ${only?.join(' or ')} in it`);
  const runs = Number(values.runs);
  if (!(Number.isInteger(runs) && runs >= 1 && runs <= MOST_RUNS))
    throw new TypeError(`--runs takes a whole number from 1 to ${MOST_RUNS}`);
  return { faults, runs, results: values.results ?? null, write: values.write };
}
