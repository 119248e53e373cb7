// What a workload is to do.
import type { ClientOptions } from '../../client/index.ts';

/** What loggers are shown, and whether they are believed; never part of a history. */
export type LoggerAccess = Pick<ClientOptions, 'token' | 'ca'>;

export interface LoadOptions {
  /** Of this recording, in values and processes; must not be used twice with one log. */
  readonly name: string;
  /** Base URLs of the leader Service, or of any loggers: writes and linearizable reads go there. */
  readonly targets: readonly string[];
  /** Base URLs of loggers, each read by itself; none: only linearizable reads are made. */
  readonly loggers: readonly string[];
  /** Everything from here on is read, and must be known from a history; null: what is committed at the start. */
  readonly base: number | null;
  /** Exactly-once producers. */
  readonly producers: number;
  /** Appenders without producer id, which send each value once. */
  readonly appenders: number;
  /** Calls a second of each of these. */
  readonly rate: number;
  /** Null: until told to stop. */
  readonly seconds: number | null;
  /** Deadline of each call. */
  readonly callTimeoutMs: number;
  /** Deadline of the final read, waiting for a leader included; 0 for none. */
  readonly finalTimeoutMs: number;
}

/** Where a process of the workload stands. */
export interface Part {
  readonly process: string;
  readonly options: LoadOptions;
  readonly access: LoggerAccess;
}
