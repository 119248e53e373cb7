// What can be wrong with a history, and the collection of what was found: each finding with the calls that show it. A broken
// log breaks its promises a thousand times over: all are counted, the first of each kind are kept.

export const ANOMALIES = {
  lost: 'an acknowledged or read record is not in the log',
  'wrong-offset': 'an acknowledged record is at another offset than its acknowledgement says',
  'wrong-epoch': 'an acknowledged record has another epoch than its acknowledgement says',
  'bad-acknowledgement': 'an acknowledgement does not fit what was sent',
  'two-values': 'one offset has had two values',
  'record-changed': 'a record has had two epochs or timestamps',
  'two-offsets': 'one record was seen at one offset and then at another',
  duplicate: 'a record that was sent once is in the log twice',
  'refused-stored': 'a refused record is in the log',
  phantom: 'a record in the log was never sent',
  'before-sent': 'a record was read before it was sent',
  hole: 'offsets are missing between records',
  'torn-batch': 'a part of a batch was stored without the rest, or apart from it',
  order: 'a record was sent after others were known, and has a lower offset',
  'producer-order': 'records of an exactly-once producer are not in the order in which it sent them',
  'stale-read': 'a linearizable read does not see what was known before it began',
  'read-back': 'the commit that a logger tells fell',
  'beyond-commit': 'a read gave records that it did not call committed',
  'epoch-falls': 'epochs fall where offsets rise',
  'time-falls': 'timestamps fall where offsets rise',
} as const;

export type AnomalyKind = keyof typeof ANOMALIES;

/** A call that shows the anomaly. */
export interface Evidence {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly message: string;
  readonly evidence: readonly Evidence[];
}

const KEPT_OF_A_KIND = 100;

export class Findings {
  readonly #kept = new Map<AnomalyKind, Anomaly[]>();
  readonly #counts = new Map<AnomalyKind, number>();

  /** `evidence` is made only for what is kept. */
  add(kind: AnomalyKind, message: string, evidence: () => readonly Evidence[]): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const kept = this.#kept.get(kind) ?? [];
    if (kept.length >= KEPT_OF_A_KIND) return;
    kept.push({ kind, message, evidence: evidence() });
    this.#kept.set(kind, kept);
  }

  /** In the order of the table above. */
  get anomalies(): Anomaly[] {
    return kinds.flatMap((kind) => this.#kept.get(kind) ?? []);
  }

  get counts(): Readonly<Partial<Record<AnomalyKind, number>>> {
    return Object.fromEntries(
      kinds.filter((kind) => this.#counts.has(kind)).map((kind) => [kind, this.#counts.get(kind)]),
    );
  }
}

const kinds = Object.keys(ANOMALIES) as AnomalyKind[];
