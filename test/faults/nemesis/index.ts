// Every fault, in the order in which they are made.
import type { Fault } from '../fault.ts';
import { CLOCKS } from './clocks.ts';
import { DISKS } from './disks.ts';
import { LINKS } from './links.ts';
import { NODES } from './nodes.ts';
import { PAIRS } from './pairs.ts';
import { PASTS } from './pasts.ts';
import { PODS } from './pods.ts';
import { ROLLOUTS } from './rollouts.ts';
import { SERVICES } from './services.ts';

/** Each alone. */
export const FAULTS: readonly Fault[] = [
  ...PODS,
  ...NODES,
  ...LINKS,
  ...SERVICES,
  ...DISKS,
  ...PASTS,
  ...CLOCKS,
  ...ROLLOUTS,
];

export { PAIRS };
