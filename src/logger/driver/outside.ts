// What the driver needs of the world, each as small as it can be: the product passes the real ones, the simulation its own.
import type { Register, Sessions } from '../../election/types.ts';
import type { Log, StateFile } from '../../log/types.ts';
import type { Member, Rules, Timings } from '../../replica/index.ts';
import type { PeerAddress, Transport } from '../../replication/types.ts';
import type { ElectionSteps } from './election-watch.ts';

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** The machine's time of day, in milliseconds since 1970. It may be wrong and jump: see log-time.ts. */
  wall(): number;
  /** Calls `run` once after `ms`, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` once, when all that has arrived by now is taken in. */
  soon(run: () => void): void;
}

export interface MembersChange {
  readonly epoch: number;
  /** Of the register that has the change. */
  readonly revision: number;
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
}

export interface DriverOptions {
  readonly self: Member;
  readonly api: string;
  /** The loggers of the first start; also the first addresses to connect to. */
  readonly bootstrap: readonly PeerAddress[];
  readonly log: Log;
  readonly state: StateFile;
  readonly register: Register;
  readonly sessions: Sessions;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly newUuid: () => string;
  readonly timings?: Partial<Timings>;
  readonly onReachable?: (reachable: boolean, cause?: Error) => void;
  /** The members have changed under this logger's leadership. */
  readonly onMembers?: (change: MembersChange) => void;
  /** This logger is about to lead. */
  readonly onElected?: (steps: ElectionSteps) => void;
  /** One line for people: rare. */
  readonly onNote?: (text: string) => void;
  /** Going on could lose records: the process must end. Called at most once; the driver has stopped by then. */
  readonly onFatal: (cause: Error) => void;
  /** Only the simulation sets this, to show that its checks notice a missing rule; no configuration reaches it. */
  readonly rules?: Rules;
}

/** Appends that may wait for the end of a transfer. */
export const HELD_MAX = 10_000;
export const TICK_MS = 10;
/**
 * While nothing is due soon: well below what the core takes for a pause of the process. Rarer than beats, since a tick comes with
 * the first beat after `CALM_TICK_SOONEST_MS`: the processor wakes once for both, and by the tick's own timer where no beat comes.
 */
export const CALM_TICK_MS = 60;
export const CALM_TICK_SOONEST_MS = 40;
/** After the disk had no room for a pair or a state: again after this. */
export const ROOM_RETRY_MS = 200;
