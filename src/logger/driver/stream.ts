// Moves the log to one receiver: batches as the bytes they are, pairs in their place between them, a bounded window of
// bytes ahead of the acknowledgements. Near the end the batches come from memory; a receiver that is far behind is read
// from disk, one chunk at a time, without holding up the others.
import { CHUNK_BYTES, WINDOW_BYTES } from '../../limits.ts';
import type { Log } from '../../log/types.ts';
import type { Message, Position, SharedBatch } from '../../replica/index.ts';
import { baseOffsetOf, endOffsetOf } from './batch-header.ts';
import { sharedBatch } from './shared-batch.ts';

export interface StreamOptions {
  readonly link: number;
  readonly epoch: number;
  readonly stream: number;
  readonly position: Position;
  readonly until: Position | null;
}

/**
 * The commit goes with the next batches, where they follow within this time: a message of its own for each costs both sides
 * nearly as much as the batch did.
 */
const COMMIT_WAIT_MS = 5;

export interface StreamOutlet {
  /** Monotonic milliseconds. */
  now(): number;
  send(link: number, message: Message): void;
  /** What should come next is not in the log any more. */
  behind(link: number, stream: number): void;
  unreadable(error: Error): void;
  readonly commit: number;
}

export class Stream {
  readonly #options: StreamOptions;
  readonly #log: Log;
  readonly #outlet: StreamOutlet;
  /** Position after the last entry sent. */
  #epoch: number;
  #next: number;
  /** Ends and sizes of what is in flight, oldest first. */
  readonly #flight: { end: number; bytes: number }[] = [];
  #flightBytes = 0;
  #reading = false;
  #stopped = false;
  #commitSent = -1;
  #firstSent = -1;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  /** Batches in the last message. */
  #sentTogether = 0;

  constructor(log: Log, outlet: StreamOutlet, options: StreamOptions) {
    this.#log = log;
    this.#outlet = outlet;
    this.#options = options;
    this.#epoch = options.position.epoch;
    this.#next = options.position.end;
    void sharedBatch(log, options.position.end).then((shared) => shared && this.#showShared(shared));
  }

  get id(): number {
    return this.#options.stream;
  }

  /**
   * Whether a record is better sent at once than with those of the same turn of the loop: nothing is under way, and the last
   * one had no company. Its way to the disks of the followers is the longest part of its way to the answer.
   */
  get isAlone(): boolean {
    return this.#flight.length === 0 && this.#sentTogether <= 1;
  }

  stop(): void {
    this.#stopped = true;
  }

  acked(end: number): void {
    while (this.#flight.length > 0 && this.#flight[0]!.end <= end) {
      this.#flightBytes -= this.#flight[0]!.bytes;
      this.#flight.shift();
    }
  }

  /** Sends what there is, as far as the window allows. */
  pump(): void {
    while (!this.#stopped && !this.#reading && this.#flightBytes < WINDOW_BYTES) if (!this.#sendNext()) break;
  }

  /** In how many milliseconds the follower should be told the commit, if nothing carries it before; null when it knows. */
  get commitDueMs(): number | null {
    if (this.#stopped || this.#options.until || this.#flight.length > 0) return null;
    const { commit } = this.#outlet;
    if (commit <= this.#commitSent && this.#log.first <= this.#firstSent) return null;
    return Math.max(0, this.#sentAtMs + COMMIT_WAIT_MS - this.#outlet.now());
  }

  /** Sends the commit, if it is due. */
  tellCommit(): void {
    if (this.commitDueMs !== 0) return;
    const { link, epoch, stream } = this.#options;
    const { commit } = this.#outlet;
    const { first } = this.#log;
    this.#noteSent(commit, first);
    this.#outlet.send(link, { type: 'commit', epoch, stream, commit, first });
  }

  #showShared(shared: SharedBatch): void {
    if (this.#stopped) return;
    const { link, epoch, stream } = this.#options;
    const { commit } = this.#outlet;
    const { first } = this.#log;
    this.#outlet.send(link, { type: 'commit', epoch, stream, commit, first, shared });
  }

  #noteSent(commit: number, first: number): void {
    this.#commitSent = commit;
    this.#firstSent = first;
    this.#sentAtMs = this.#outlet.now();
  }

  /** One entry or chunk; false when nothing can be sent now. */
  #sendNext(): boolean {
    const { until, link, epoch, stream } = this.#options;
    const pair = this.#nextPair();
    if (pair && pair.start === this.#next) {
      this.#epoch = pair.epoch;
      this.#outlet.send(link, { type: 'pair', epoch, stream, pair });
      return true;
    }
    const below = Math.min(this.#log.end, pair?.start ?? this.#log.end, until?.end ?? this.#log.end);
    if (this.#next < this.#log.first) {
      this.stop();
      this.#outlet.behind(link, stream);
      return false;
    }
    if (this.#next >= below) return false;
    const limits = { maxBytes: CHUNK_BYTES, below };
    const recent = this.#log.readRecent(this.#next, limits);
    if (recent && recent.length > 0) this.#send(recent);
    else void this.#readFromDisk(limits);
    return recent !== null;
  }

  #nextPair(): { epoch: number; start: number } | undefined {
    const { pairs } = this.#log;
    if ((pairs.at(-1)?.epoch ?? 0) <= this.#epoch) return undefined;
    return pairs.find(({ epoch }) => epoch > this.#epoch);
  }

  async #readFromDisk(limits: { maxBytes: number; below: number }): Promise<void> {
    this.#reading = true;
    try {
      const batches = await this.#log.read(this.#next, limits);
      this.#reading = false;
      if (this.#stopped) return;
      if (batches.length === 0)
        throw new Error(`the log has nothing at ${this.#next}, below ${limits.below}`);
      this.#send(batches);
      this.pump();
    } catch (error) {
      this.#reading = false;
      if (this.#stopped) return;
      this.stop();
      // Old segments may have been dropped under our hands; anything else is a disk that cannot be read here. Both are
      // tried again by a new stream after a while: what others need of this logger may lie elsewhere.
      if (this.#next >= this.#log.first) this.#outlet.unreadable(error as Error);
      this.#outlet.behind(this.#options.link, this.#options.stream);
    }
  }

  #send(batches: readonly Buffer[]): void {
    const { link, epoch, stream } = this.#options;
    const from = this.#next;
    if (baseOffsetOf(batches[0]!) !== from) throw new Error(`no batch begins at ${from}`);
    const end = endOffsetOf(batches.at(-1)!);
    let bytes = 0;
    for (const batch of batches) bytes += batch.length;
    this.#sentTogether = batches.length;
    this.#flight.push({ end, bytes });
    this.#flightBytes += bytes;
    this.#next = end;
    const { commit } = this.#outlet;
    const { first } = this.#log;
    this.#noteSent(commit, first);
    this.#outlet.send(link, { type: 'batches', epoch, stream, from, end, commit, first, batches });
  }
}
