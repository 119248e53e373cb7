// The final reads: whole logs, read after everything was over. Only they can tell that a record is nowhere; so their own reads
// must follow each other without a hole.
import type { Evidence } from '../anomalies.ts';
import type { FinalRead } from '../history.ts';
import type { Place, Recorded } from '../record.ts';

export class Finals {
  readonly clockSkewMs: number;
  readonly complete: readonly (FinalRead & Place)[];
  readonly incomplete: readonly (FinalRead & Place)[];
  readonly #recorded: Recorded;

  constructor(recorded: Recorded, clockSkewMs: number) {
    this.#recorded = recorded;
    this.clockSkewMs = clockSkewMs;
    this.complete = recorded.finals.filter(({ complete }) => complete);
    this.incomplete = recorded.finals.filter(({ complete }) => !complete);
    for (const final of recorded.finals) this.#checkCover(final);
  }

  get any(): boolean {
    return this.complete.length > 0;
  }

  get highestEnd(): number {
    return Math.max(...this.complete.map(({ to }) => to));
  }

  get evidence(): Evidence[] {
    return this.complete.map((final) => this.evidenceOf(final));
  }

  /** Some whole log would show it. */
  covers(offset: number): boolean {
    return this.complete.some(({ from }) => offset >= from);
  }

  /** Retention has taken it: a log begins above it, though it was to be read from its recording's base on. */
  expired(offset: number): boolean {
    const { headers } = this.#recorded;
    return this.complete.some(({ from, file }) => {
      const base = headers.find((header) => header.file === file)?.base ?? 0;
      return offset >= base && offset < from;
    });
  }

  /** A whole log ends below it. */
  lacks(offset: number): boolean {
    return this.complete.some(({ to }) => offset >= to);
  }

  evidenceOf(final: FinalRead & Place): Evidence {
    const { process, logger, from, to, complete, reason } = final;
    const how = complete ? '' : `, not to its end${reason === undefined ? '' : `: ${reason}`}`;
    return this.#recorded.placeEvidence(
      final,
      `${process} reads all of ${logger}: offsets ${from} to ${to - 1}${how}`,
    );
  }

  #checkCover(final: FinalRead & Place): void {
    const { covers, names, findings } = this.#recorded;
    const { process, from, to, logger } = final;
    if (from === to) return;
    const cover = covers.get(names.number(process));
    const { brokenBy = null } = cover ?? {};
    if (cover && cover.from === from && cover.next === to && brokenBy === null) return;
    const got = cover ? `from ${cover.from} to ${cover.next - 1}` : 'nothing';
    const how = brokenBy === null ? '' : ', with a hole';
    findings.add(
      'hole',
      `the final read of ${logger} says that it got ${from} to ${to - 1}; its reads got ${got}${how}`,
      () => [...(brokenBy === null ? [] : [this.#recorded.readEvidence(brokenBy)]), this.evidenceOf(final)],
    );
  }
}
