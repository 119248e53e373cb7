// What the log needs from time to time and, having no clock, cannot begin by itself: its recovery mark is moved up, and old
// segments go by size and age as the leader decides.

import type { ReplicatedLog } from './replicated-log.ts';

const MARK_INTERVAL_MS = 1000;
const DAMAGE_INTERVAL_MS = 1000;
/** What is written meanwhile must fit on a volume that is full but for what retention leaves free. */
const RETENTION_INTERVAL_MS = 1000;

export interface RetentionPolicy {
  /** 0 keeps all. */
  readonly maxBytes: number;
  /** 0 keeps all. */
  readonly maxAgeMs: number;
}

/** Keeps the mark close behind the log: less of a torn tail is left to judge after a crash, and commit is remembered. */
export function keepMark(
  log: { saveMark(): Promise<void> },
  onError: (error: unknown) => void,
  signal: AbortSignal,
): void {
  every(MARK_INTERVAL_MS, () => log.saveMark(), onError, signal);
}

export function keepRetention(
  { maxBytes, maxAgeMs }: RetentionPolicy,
  retain: (policy: RetentionPolicy) => Promise<void>,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): void {
  if (maxBytes === 0 && maxAgeMs === 0) return;
  const limit = (value: number): number => (value === 0 ? Number.POSITIVE_INFINITY : value);
  const policy = { maxBytes: limit(maxBytes), maxAgeMs: limit(maxAgeMs) };
  every(RETENTION_INTERVAL_MS, () => retain(policy), onError, signal);
}

/**
 * A leader that cannot read its own log hands over: clients and followers that are behind need what it cannot give. Once, since the
 * successor may be damaged too: that is better than no leader.
 */
export function handOverDamaged(
  log: { readonly damage: string | null },
  replicated: Pick<ReplicatedLog, 'role' | 'transfer'>,
  onRefused: (error: unknown) => void,
  signal: AbortSignal,
): void {
  let state: 'whole' | 'leaving' | 'left' = 'whole';
  const leave = async (): Promise<void> => {
    if (log.damage === null || state === 'left') return;
    if (replicated.role.kind !== 'leader') {
      if (state === 'leaving') state = 'left';
      return;
    }
    const isFirst = state === 'whole';
    state = 'leaving';
    // It is tried again until it works, and told once.
    await replicated.transfer(null).catch((error: unknown) => {
      if (isFirst) onRefused(error);
    });
  };
  every(DAMAGE_INTERVAL_MS, leave, onRefused, signal);
}

/** Runs `work` again and again, never twice at a time, until `signal` aborts. */
function every(
  intervalMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): void {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    work()
      .catch(onError)
      .finally(() => {
        running = false;
      });
  }, intervalMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
