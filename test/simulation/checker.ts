// What must hold after every step (docs/internals/protocol.md, last section). The ledger is the truth: the committed
// batches in order, as the first replica that committed them had them. Everything else is compared with it.
import type { RegisterValue } from '../../src/election/types.ts';
import { batchesProblem } from '../../src/log/index.ts';
import type { ProducerStamp } from '../../src/log/types.ts';
import type { Claim } from '../../src/replica/index.ts';
import { describe, type WatchedLog } from './watched-log.ts';

export class Violation extends Error {
  override readonly name = 'Violation';
}

export interface Batch {
  readonly base: number;
  readonly end: number;
  readonly epoch: number;
  /** CRC of the records: the identity of what was written. */
  readonly crc: number;
  /** CRC of the header, which covers the leader's time and the producer too. */
  readonly headerCrc: number;
  readonly timestampMs: number;
  readonly producer: ProducerStamp | null;
}

/** A log as far as it is known to be on a disk, process or no process. */
export interface Holder {
  readonly id: string;
  readonly uid: string;
  readonly log: WatchedLog | null;
  /** What a crash at this moment would surely leave. */
  readonly held: readonly Batch[];
  readonly heldFirst: number;
  readonly heldEnd: number;
}

export class Checker {
  readonly #holders: () => readonly Holder[];
  readonly #ledger: Batch[] = [];
  readonly #at = new Map<number, number>();
  /** Where each producer's next batch belongs. */
  readonly #producers = new Map<bigint, { epoch: number; sequence: number }>();
  /** The incarnation that committed as leader in each epoch, and where it ran. */
  readonly #committers = new Map<number, { incarnation: string; id: string }>();
  /** How far each process has been compared. */
  readonly #commits = new Map<object, number>();
  register: RegisterValue | null = null;
  /** While false, majorities are not counted: the disks were damaged beyond what the cluster promises to survive. */
  counting = true;
  /**
   * The epoch of a register that was rebuilt, until its leader commits: it may name members that the lost register had just been
   * given. All of them promise before anything is committed, and only then hold what was.
   */
  rebuiltEpoch: number | null = null;
  /** Uids whose disk was lost on purpose: one copy less is what the cluster survives until they are swapped. */
  readonly lost = new Set<string>();
  /** Later than any right clock says: no record is stamped, and none deleted, by a time that is ahead of it. */
  latestMs = (): number => Number.POSITIVE_INFINITY;
  /** Retention takes away nothing that is younger; 0 where it goes by size. */
  keptMs = 0;
  #ackedEnd = 0;

  constructor(holders: () => readonly Holder[]) {
    this.#holders = holders;
  }

  get end(): number {
    return this.#ledger.at(-1)?.end ?? 0;
  }
  get batches(): number {
    return this.#ledger.length;
  }
  /** End of everything that was acknowledged so far. */
  get ackedEnd(): number {
    return this.#ackedEnd;
  }

  #same(a: Batch, b: Batch): boolean {
    return a.base === b.base && a.end === b.end && a.headerCrc === b.headerCrc && a.epoch === b.epoch;
  }

  /** A replica's commit moved: what lies below it is compared with the ledger, or written into it. */
  committed(
    who: { readonly id: string; readonly process: object },
    log: WatchedLog,
    commit: number,
    leading: Claim | null,
  ): void {
    const from = this.#commits.get(who.process) ?? 0;
    if (commit < from) throw new Violation(`commit of ${who.id} fell from ${from} to ${commit}`);
    this.#commits.set(who.process, commit);
    if (commit > log.shadowEnd)
      throw new Violation(`${who.id} committed ${commit} beyond its end ${log.shadowEnd}`);
    if (leading !== null) this.#leaderCommitted(who.id, leading);
    for (const batch of log.between(from, commit)) this.#compare(who.id, batch);
    if (commit > this.end)
      throw new Violation(`${who.id} committed ${commit}, but has no records from ${this.end}`);
    this.checkMajority(`commit ${commit} of ${who.id}`);
  }

  /** An epoch is given out once: not twice to one logger either, with a restart between. */
  #leaderCommitted(id: string, { epoch, incarnation }: Claim): void {
    const former = this.#committers.get(epoch);
    if (former !== undefined && former.incarnation !== incarnation)
      throw new Violation(`two leaders of epoch ${epoch} committed: ${former.id}, and then ${id}`);
    this.#committers.set(epoch, { incarnation, id });
    if (this.rebuiltEpoch !== null && epoch >= this.rebuiltEpoch) this.rebuiltEpoch = null;
  }

  #compare(id: string, batch: Batch): void {
    const at = this.#at.get(batch.base);
    if (at !== undefined) {
      const known = this.#ledger[at]!;
      if (!this.#same(known, batch))
        throw new Violation(`${id} committed ${show(batch)} where ${show(known)} was committed`);
      return;
    }
    if (batch.base !== this.end)
      throw new Violation(`${id} committed ${show(batch)}, the ledger ends at ${this.end}`);
    if (batch.timestampMs > this.latestMs())
      throw new Violation(`${show(batch)} was stamped ${batch.timestampMs}, by a clock that is ahead`);
    if (batch.producer) this.#produced(batch, batch.producer);
    this.#at.set(batch.base, this.#ledger.length);
    this.#ledger.push(batch);
  }

  /** Rule 9: each batch of a producer once, without gaps, and none of an epoch that was followed by another one. */
  #produced(batch: Batch, { id, epoch, sequence }: ProducerStamp): void {
    const next = this.#producers.get(id) ?? { epoch: 0, sequence: 0 };
    const expected = epoch > next.epoch ? 0 : next.sequence;
    if (epoch < next.epoch || sequence !== expected)
      throw new Violation(
        `producer ${id} committed ${epoch}/${sequence} as ${show(batch)} where ${next.epoch}/${next.sequence} was next`,
      );
    this.#producers.set(id, { epoch, sequence: sequence + batch.end - batch.base });
  }

  /** Retention by age goes by no clock that is ahead. */
  dropped(id: string, batches: readonly Batch[]): void {
    const young = batches.find(({ timestampMs }) => this.latestMs() - timestampMs < this.keptMs);
    if (young) throw new Violation(`${id} deleted ${show(young)}, which is of ${young.timestampMs}`);
  }

  /** What a logger serves below its commit: the bytes themselves, from its memory or its disk. */
  served(id: string, offset: number, buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      const problem = batchesProblem(buffer);
      if (problem !== null) throw new Violation(`${id} served damaged bytes at ${offset}: ${problem}`);
      for (const batch of describe(buffer)) {
        const at = this.#at.get(batch.base);
        const known = at === undefined ? undefined : this.#ledger[at];
        if (!known || !this.#same(known, batch))
          throw new Violation(
            `${id} served ${show(batch)} where ${known ? show(known) : 'nothing'} was committed`,
          );
      }
    }
  }

  /** Rule 6: every committed record is held by a majority of the register's present members. */
  checkMajority(when: string): void {
    if (!this.counting || this.rebuiltEpoch !== null || !this.register || this.end === 0) return;
    const holding = this.holdingMembers();
    const { members } = this.register;
    const lost = members.filter(({ uid }) => this.lost.has(uid)).length;
    const needed = Math.floor(members.length / 2) + 1 - lost;
    if (holding.length < needed)
      throw new Violation(
        `${when}: records below ${this.end} are held by ${holding.join(', ') || 'nobody'}, of members ${this.register.members.map(({ id }) => id).join(', ')}`,
      );
  }

  holdingMembers(): string[] {
    const holders = this.#holders();
    return (this.register?.members ?? [])
      .filter(({ uid }) => holders.some((holder) => holder.uid === uid && this.#holds(holder)))
      .map(({ id }) => id);
  }

  #holds(holder: Holder): boolean {
    if (holder.heldEnd < this.end) return false;
    const last = this.#ledger.at(-1);
    if (!last || holder.heldFirst >= this.end) return true;
    // Logs are compared batch by batch as they grow (see WatchedLog.agreed); here the answer is looked up.
    return this.agreedEnd(holder) >= this.end;
  }

  readonly #agreed = new Map<string, { end: number; list: readonly Batch[]; at: number }>();

  /** How far a log equals the ledger. */
  agreedEnd({ uid, held, heldFirst }: Holder): number {
    let known = this.#agreed.get(uid);
    const stale = !known || known.list !== held || known.at > held.length || known.end < heldFirst;
    if (stale) known = { end: heldFirst, list: held, at: 0 };
    let { end, at } = known as { end: number; at: number };
    for (; at < held.length; at += 1) {
      const index = this.#at.get(held[at]!.base);
      if (index === undefined || !this.#same(this.#ledger[index]!, held[at]!)) break;
      end = held[at]!.end;
    }
    this.#agreed.set(uid, { end, list: held, at });
    return end;
  }

  /** Logs that were cut are compared anew. */
  cut(uid: string): void {
    this.#agreed.delete(uid);
  }

  /** A client was told that its batch is at `offset`; `floor` is the end of all acknowledged before it was sent. */
  acknowledged(what: { offset: number; count: number; crc: number; floor: number; name: string }): void {
    const index = this.#at.get(what.offset);
    const batch = index === undefined ? undefined : this.#ledger[index];
    if (!batch)
      throw new Violation(`${what.name} was acknowledged at ${what.offset}, which is not committed`);
    if (batch.crc !== what.crc || batch.end !== what.offset + what.count)
      throw new Violation(`${what.name} was acknowledged at ${what.offset}, where ${show(batch)} is`);
    if (what.offset < what.floor)
      throw new Violation(`${what.name} at ${what.offset} was sent after ${what.floor - 1} was acknowledged`);
    this.#ackedEnd = Math.max(this.#ackedEnd, batch.end);
  }

  /** A linearizable read began when `floor` was acknowledged. */
  linearized(id: string, commit: number, floor: number): void {
    if (commit < floor)
      throw new Violation(`${id} confirmed its leadership with commit ${commit}, below ${floor}`);
  }
}

const show = ({ base, end, epoch, crc }: Batch): string => `[${base},${end}) of epoch ${epoch} crc ${crc}`;
