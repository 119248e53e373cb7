// Who led when: the epochs in the log's checkpoint, which outlive a restart but name nobody, joined with what this logger saw
// since it started. An epoch that it did not see has the time of its first record, if that is still kept.
import type { LeadershipEpoch } from '../api/index.ts';
import { type EpochPair, type Log, recordsOf } from '../log/index.ts';
import type { ReplicatedLog } from './replicated-log.ts';

/** Epochs told, and remembered: the last ones. */
const MAX_EPOCHS = 100;

interface Seen {
  readonly leader: string;
  readonly timeMs: number;
}

export class LeadershipHistory {
  readonly #log: Pick<Log, 'pairs' | 'first' | 'end' | 'read'>;
  readonly #seen = new Map<number, Seen>();
  /** By epoch; null where there is no record to tell. */
  readonly #recordTimes = new Map<number, number | null>();

  constructor(
    self: string,
    log: Pick<Log, 'pairs' | 'first' | 'end' | 'read'>,
    replicated: Pick<ReplicatedLog, 'onRole'>,
    now: () => number = Date.now,
  ) {
    this.#log = log;
    replicated.onRole((role) => {
      const leader = role.kind === 'leader' ? self : role.leader?.id;
      if (leader === undefined || this.#seen.has(role.epoch)) return;
      this.#seen.set(role.epoch, { leader, timeMs: now() });
      forgetOldest(this.#seen);
    });
  }

  /** Latest first. */
  async epochs(): Promise<readonly LeadershipEpoch[]> {
    const starts = new Map(this.#log.pairs.slice(-MAX_EPOCHS).map((pair) => [pair.epoch, pair]));
    const numbers = new Set([...starts.keys(), ...this.#seen.keys()]);
    const latest = [...numbers].sort((one, other) => other - one).slice(0, MAX_EPOCHS);
    const epochs: LeadershipEpoch[] = [];
    for (const epoch of latest) {
      const seen = this.#seen.get(epoch);
      const pair = starts.get(epoch);
      const time = seen?.timeMs ?? (pair === undefined ? null : await this.#recordTime(pair));
      epochs.push({ epoch, leader: seen?.leader ?? null, start: pair?.start ?? null, time, seen: !!seen });
    }
    return epochs;
  }

  async #recordTime({ epoch, start }: EpochPair): Promise<number | null> {
    const known = this.#recordTimes.get(epoch);
    if (known !== undefined) return known;
    // Its first record may yet come.
    if (start >= this.#log.end) return null;
    const time = await this.#timeAt(start, epoch);
    this.#recordTimes.set(epoch, time);
    forgetOldest(this.#recordTimes);
    return time;
  }

  async #timeAt(offset: number, epoch: number): Promise<number | null> {
    const { first, end } = this.#log;
    if (offset < first) return null;
    try {
      const batches = await this.#log.read(offset, { maxBytes: 1, below: end });
      for (const record of recordsOf(batches, offset, offset + 1))
        return record.epoch === epoch ? record.timestampMs : null;
      return null;
    } catch {
      return null; // cut or deleted meanwhile: then there is no such record
    }
  }
}

function forgetOldest(map: Map<number, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > MAX_EPOCHS && oldest !== undefined) map.delete(oldest);
}
