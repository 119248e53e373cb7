// What the local stack tells, as data: `--json` prints it as it is, a terminal shows it rendered. The shapes of ready, leader
// and exit are relied on by others; docs/reference/start.md describes all of them.

export interface LoggerEntry {
  readonly id: string;
  readonly pid: number;
  /** Base URL of its HTTP API. */
  readonly api: string;
}

export interface ReadyEvent {
  readonly event: 'ready';
  readonly loggers: readonly LoggerEntry[];
  /** Null with `--rate 0`. */
  readonly producer: { readonly pid: number; readonly url: string } | null;
  /** `pid` is null for a Consul that was running already. */
  readonly consul: { readonly pid: number | null; readonly address: string };
  readonly cluster: string;
  readonly data: string;
}

export type StackEvent =
  /** Everything runs and every logger serves its API; a leader follows as an event of its own. */
  | ReadyEvent
  /** A logger is established as the leader of this epoch; epochs only grow. */
  | { readonly event: 'leader'; readonly id: string; readonly epoch: number }
  /** The leader printed a record. After a failover the last ones may be printed again. */
  | {
      readonly event: 'record';
      readonly id: string;
      readonly offset: number;
      readonly epoch: number;
      readonly value: string;
      /** The value is base64, since it is not UTF-8. */
      readonly base64?: true;
    }
  /** The producer had messages acknowledged, from `message` on. */
  | {
      readonly event: 'sent';
      readonly id: string;
      readonly message: string;
      readonly offset: number;
      readonly attempts: number;
      readonly ms: number;
    }
  /** Any other line of a process. `level` is pino's: 30 info, 40 warn, 50 error, 60 fatal. */
  | { readonly event: 'log'; readonly id: string; readonly level: number; readonly message: string }
  /** A process ended, wanted or not. */
  | {
      readonly event: 'exit';
      readonly id: string;
      readonly code: number | null;
      readonly signal: string | null;
    }
  /** A process that had ended was started again. */
  | { readonly event: 'restarted'; readonly id: string; readonly pid: number }
  /** Keys: a signal was sent to the leader. */
  | { readonly event: 'killed' | 'paused' | 'resumed'; readonly id: string; readonly pid: number }
  | { readonly event: 'transfer'; readonly id: string; readonly to: string; readonly epoch: number }
  /** What the stack itself has to say: what it is doing, what it could not do. */
  | { readonly event: 'note'; readonly message: string }
  /** The end has begun; no process is left after `stopped`. */
  | { readonly event: 'stopping'; readonly reason: string }
  | { readonly event: 'stopped' };

export type Emit = (event: StackEvent) => void;
