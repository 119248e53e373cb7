// Who used the processors meanwhile, and how fast the disk syncs: without both a figure cannot be compared with another.
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile, round } from './numbers.ts';

/** Clock ticks a second of /proc; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PROBE_MS = 3000;
/** Of each work, not counted, unless something else is asked for. */
export const WARMUP_SECONDS = 3;
const PROBE_BYTES = 1024;

export interface Usage {
  readonly seconds: number;
  /** Cores used by the loggers and Consul, by this process (the client), and by everything else on the machine. */
  readonly cores: { readonly servers: number; readonly client: number; readonly other: number };
  readonly load1: number;
}

interface Snapshot {
  readonly atMs: number;
  readonly all: number;
  readonly servers: number;
  readonly client: number;
}

/** utime and stime of a process, or with `andChildren` those of its ended children too; in ticks. */
function ticksOf(pid: number | 'self', andChildren = false): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').map(Number) ?? [];
    return fields.slice(11, andChildren ? 15 : 13).reduce((sum, ticks) => sum + ticks, 0);
  } catch {
    return 0; // the process has ended
  }
}

/**
 * Of all processors: the time that passed and was not idle. What the kernel counts as busy it samples at its ticks, 4 ms apart, and work that
 * comes once a millisecond may fall together with all of them; idle time it measures.
 */
function busyTicks(): number {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/);
  const [, , , idle = 0, ioWait = 0] = fields.map(Number);
  return (performance.now() / 1000) * TICKS_PER_SECOND * cpus().length - idle - ioWait;
}

const snapshot = (pids: readonly number[]): Snapshot => ({
  atMs: performance.now(),
  all: busyTicks(),
  servers: pids.reduce((sum, pid) => sum + ticksOf(pid), 0),
  client: ticksOf('self', true),
});

export async function measured<T>(
  pids: readonly number[],
  work: () => Promise<T>,
): Promise<{ result: T; usage: Usage }> {
  const before = snapshot(pids);
  const result = await work();
  const after = snapshot(pids);
  const seconds = (after.atMs - before.atMs) / 1000;
  const cores = (ticks: number): number => round(ticks / TICKS_PER_SECOND / seconds, 2);
  const servers = after.servers - before.servers;
  const client = after.client - before.client;
  const other = Math.max(0, after.all - before.all - servers - client);
  return {
    result,
    usage: {
      seconds: round(seconds, 1),
      cores: { servers: cores(servers), client: cores(client), other: cores(other) },
      load1: round(loadavg()[0] ?? 0, 2),
    },
  };
}

/** What a process has used so far. */
export const processorSeconds = (pid: number): number => ticksOf(pid) / TICKS_PER_SECOND;

/** Resident memory of a process in MiB. */
export function rssMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return round(Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? 0) / 1024, 1);
}

/** Appends of 1 KiB, each with fdatasync: what one sync costs here and now. */
export function syncProbe(): { ratePerSecond: number; p50Ms: number; p99Ms: number } {
  const path = join(tmpdir(), `distributed-logger-probe-${process.pid}`);
  const file = openSync(path, 'w');
  const bytes = Buffer.alloc(PROBE_BYTES);
  const tookMs: number[] = [];
  const endMs = performance.now() + PROBE_MS;
  for (let nowMs = performance.now(); nowMs < endMs; ) {
    writeSync(file, bytes);
    fdatasyncSync(file);
    const afterMs = performance.now();
    tookMs.push(afterMs - nowMs);
    nowMs = afterMs;
  }
  closeSync(file);
  rmSync(path);
  tookMs.sort((a, b) => a - b);
  return {
    ratePerSecond: Math.round((tookMs.length / PROBE_MS) * 1000),
    p50Ms: round(quantile(tookMs, 0.5), 3),
    p99Ms: round(quantile(tookMs, 0.99), 3),
  };
}
