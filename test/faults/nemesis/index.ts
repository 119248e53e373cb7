// Every fault, in the order in which they are made.
import type { Fault } from '../fault.ts';
import { NODES } from './nodes.ts';
import { PODS } from './pods.ts';
import { SERVICES } from './services.ts';

export const FAULTS: readonly Fault[] = [...PODS, ...NODES, ...SERVICES];
