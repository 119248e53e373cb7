// What every logger says about its memory, open files and lag, between the rounds of a soak. A logger that was restarted
// begins anew, so the whole row counts, over all loggers: its end must not lie above its beginning by more than noise.
import assert from 'node:assert/strict';
import { API_PORT } from '../support/kube-stack.ts';
import type { Arena } from './arena.ts';

const MEMORY = 'process_resident_memory_bytes';
const FILES = 'process_open_fds';
/** Rows of the log's index and of producers grow with the log; what a leak adds in half an hour of load is far more. */
const MEMORY_GROWTH_BYTES = 64 * 1024 * 1024;
const FILES_GROWTH = 30;
const BYTES_PER_MIB = 2 ** 20;

interface Sample {
  readonly round: number;
  readonly logger: string;
  readonly memoryBytes: number;
  readonly files: number;
  readonly lag: number;
}

export class Gauges {
  readonly #arena: Arena;
  readonly #samples: Sample[] = [];
  #round = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** When the cluster is whole: all members are connected then, and followed. */
  async sample(): Promise<void> {
    this.#round += 1;
    const leader = await this.#arena.whole();
    const { members } = await this.#arena.stack.status(leader.name);
    for (const { name } of await this.#arena.loggers()) {
      const text = await this.#arena.namespace.httpGet(name, API_PORT, '/metrics');
      this.#samples.push({
        round: this.#round,
        logger: name,
        memoryBytes: valueIn(text, MEMORY),
        files: valueIn(text, FILES),
        lag: members.find(({ id }) => id === name)?.lag ?? Number.NaN,
      });
    }
  }

  table(): string {
    const rows = this.#samples.map(
      ({ round, logger, memoryBytes, files, lag }) =>
        `round ${round}  ${logger}  ${Math.round(memoryBytes / BYTES_PER_MIB)} MiB  ${files} files  lag ${lag}`,
    );
    return rows.join('\n');
  }

  /** Compares the median of the last third of all samples with that of the first. */
  assertFlat(): void {
    assert.ok(this.#round >= 1, 'no round was whole');
    for (const { logger, round, lag } of this.#samples)
      assert.ok(lag >= 0, `the lag of ${logger} is not known after round ${round}`);
    const memory = growth(this.#samples.map(({ memoryBytes }) => memoryBytes));
    const files = growth(this.#samples.map(({ files }) => files));
    console.log(
      `from the first third to the last: memory ${Math.round(memory / BYTES_PER_MIB)} MiB, files ${files}`,
    );
    assert.ok(memory < MEMORY_GROWTH_BYTES, `memory grew by ${memory} bytes`);
    assert.ok(files < FILES_GROWTH, `open files grew by ${files}`);
  }
}

/** From the median of the first third of a row to that of its last. */
export function growth(row: readonly number[]): number {
  const third = Math.max(1, Math.floor(row.length / 3));
  return median(row.slice(-third)) - median(row.slice(0, third));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** The value of a metric without labels in Prometheus' text format. */
export function valueIn(text: string, metric: string): number {
  const value = new RegExp(`^${metric} (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`there is no metric ${metric}`);
  return Number(value);
}
