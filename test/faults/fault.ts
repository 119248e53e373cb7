// What a fault is: chosen for the cluster as it stands, made, and healed.
import type { Arena } from './arena.ts';

export interface Goal {
  /** Longest time that a producer through the Service may go without an acknowledgement. */
  readonly gapMs: number;
  /** No call may fail after the client's own retries. */
  readonly noFailure?: boolean;
}

export interface Fault {
  readonly name: string;
  /** `lab`: needs a command for faults of machines (LAB); `kubectl`: any cluster will do. */
  readonly needs: 'kubectl' | 'lab';
  readonly goal?: Goal;
  /** Cannot stand together with another one: it needs what others take away while it is made or healed. */
  readonly alone?: boolean;
  /** Minutes rather than seconds: left out of the short form. */
  readonly long?: boolean;
  /** Chooses whom it strikes; changes nothing yet. */
  prepare(arena: Arena): Promise<Strike>;
}

export interface Forgotten {
  /** The address by which a reader knows the logger. */
  readonly url: string;
  /** When it was down, in milliseconds since 1970: what it told before counts no more. */
  readonly atMs: number;
}

export interface Strike {
  /** What is struck, for people: `dlog-0 on node-2`. */
  readonly target: string;
  /** Nodes that lose their power: no load runs there, since its recording would be lost. */
  readonly lost: readonly string[];
  /** Nodes whose producers the fault touches: their time without an acknowledgement does not count. */
  readonly touched: readonly string[];
  /** Whether another leader is to be expected. */
  readonly newLeader: boolean;
  /** Makes the fault; resolves with the time when it took effect, in milliseconds since 1970. */
  make(): Promise<number>;
  /** How long it stays. */
  readonly holdMs: number;
  /** Takes it away. Must also work when `make` failed half way. */
  heal(): Promise<void>;
  /** Asked while the fault stands, for what must hold then. */
  during?(): Promise<void>;
  /** Loggers that lost their disk, by now. */
  forgets?(): readonly Forgotten[];
  /** Restores the cluster after the history is fetched, such as a volume that was exchanged. */
  restore?(): Promise<void>;
}

/** Without `lost`, `touched` and so on: nothing that the load notices by itself. */
export const strike = (given: Partial<Strike> & Pick<Strike, 'target' | 'make'>): Strike => ({
  lost: [],
  touched: [],
  newLeader: false,
  holdMs: 0,
  heal: async () => {},
  ...given,
});
