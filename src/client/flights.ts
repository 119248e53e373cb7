// Batches under way, oldest first: up to PIPELINED_MAX requests that follow each other on one connection, so that the loggers are
// busy with one while the next is on its way. Order and exactly-once stay what they are with one request at a time:
//
//   - the oldest is repeated, with its stamp, until a logger answers for it; one behind it is sent once, and when that fails
//     (as a gap, mostly, since the one before it has failed), it waits until it is the oldest, and nothing new goes out behind it;
//   - loggers remember the last five batches of a producer, so no more than five are ever without an answer;
//   - what any attempt left open stays open: such a batch is stored or unknown, and never refused, whatever is answered later;
//   - when the oldest is refused, its sequences are free again, and those sent behind it would fit or not by chance: so a new
//     epoch begins, which fences them, and they are sent anew in it. No attempt of theirs was stored, for all come behind
//     the sequence that is missing;
//   - when it is not known whether the oldest is stored, it is not known of those behind it either: they fail with it.
import type { AppendResult } from '../api/types.ts';
import { appendCall } from './append-call.ts';
import { GIVEN_UP, type Tried } from './attempt.ts';
import type { Connection } from './connection.ts';
import { ClientError, endsProducerEpoch } from './errors.ts';
import type { Exchanged, Failed } from './exchange.ts';
import { GiveUp } from './give-up.ts';
import { PIPELINED_MAX } from './http.ts';
import { leavesOpen } from './problem.ts';
import type { ProducerStamps, Stamp } from './producer-stamps.ts';
import { type Parcel, type Pending, parcelOf } from './send-queue.ts';

/** A refusal for one of these may concern one send alone: the others of the batch are tried without it. */
const CONTENT_CODES: readonly string[] = [
  'body-too-large',
  'record-too-large',
  'invalid-record',
  'invalid-batch',
];

export interface FlightsOutlet {
  /** There is room for another batch; `stored`: this one is answered for, and its memory is free. */
  landed(parcel: Parcel, stored: boolean): void;
  /** Loggers and producer disagree: nothing goes out any more. */
  broken(error: ClientError): void;
}

interface Flight {
  readonly parcel: Parcel;
  readonly giveUp: GiveUp;
  stamp: Stamp;
  /** On its way over the stream, and not given up there. */
  streamed: boolean;
  /** Sent ahead of its turn without success: until it has landed, whatever is sent behind it can only be refused as a gap. */
  missed: boolean;
  /** An attempt ahead of its turn failed, and may be stored all the same. */
  open: boolean;
  /** What became of one before it, and so of this one. */
  doom: ClientError | null;
}

type Sent =
  | { readonly error: null; readonly answer: Exchanged<AppendResult> }
  | { readonly error: ClientError; readonly answer?: undefined };

export class Flights {
  readonly #id: bigint;
  readonly #connection: Connection;
  readonly #stamps: ProducerStamps;
  readonly #outlet: FlightsOutlet;
  #flights: Flight[] = [];
  /** Settled when all have landed. */
  #last: Promise<void> = Promise.resolve();
  /** The oldest was refused: nothing new goes out until that is sorted out. */
  #sorting = false;

  constructor(id: bigint, connection: Connection, stamps: ProducerStamps, outlet: FlightsOutlet) {
    this.#id = id;
    this.#connection = connection;
    this.#stamps = stamps;
    this.#outlet = outlet;
  }

  get count(): number {
    return this.#flights.length;
  }

  /** Whether `launch` may be called. A new epoch never begins behind batches of the one before. */
  get hasRoom(): boolean {
    if (this.#flights.length === 0) return true;
    const isGivingUp = this.#flights[0]?.giveUp.aborted === true;
    const isCatchingUp = this.#flights.some(({ missed }) => missed);
    const isHeld = this.#sorting || isGivingUp || isCatchingUp || this.#flights[0]?.streamed === true;
    return this.#flights.length < PIPELINED_MAX && !isHeld && this.#stamps.hasRoom;
  }

  /** Resolves when those under way now have landed. Never rejects. */
  get landed(): Promise<void> {
    return this.#last;
  }

  launch(parcel: Parcel): void {
    const stamp = this.#stamps.next(parcel.builder.count);
    if (stamp === null) {
      this.#break(parcel.sends, this.#exhausted());
      return;
    }
    const giveUp = new GiveUp();
    const flight = { parcel, stamp, giveUp, streamed: false, missed: false, open: false, doom: null };
    this.#flights.push(flight);
    this.#last = this.#fly(flight, this.#last);
  }

  /** Gives one send up, and its batch if nothing else depends on that. */
  abort(pending: Pending, reason: unknown, error: (outcome: 'refused' | 'unknown') => ClientError): void {
    const flight = this.#flights.find(({ parcel }) => parcel.sends.includes(pending));
    const shared = flight?.parcel.sends.some((other) => other !== pending && !other.settled);
    // The call then ends, and knows whether anything was sent.
    if (flight && !shared && this.#flights.length === 1) flight.giveUp.abort(reason);
    else pending.reject(error(flight ? 'unknown' : 'refused'));
  }

  abortAll(reason: unknown): void {
    for (const { giveUp } of this.#flights) giveUp.abort(reason);
  }

  async #fly(flight: Flight, before: Promise<void>): Promise<void> {
    // Sent before this returns: what is launched next must not overtake it.
    const streaming = this.#overStream(flight);
    if (streaming !== null) await this.#streamed(flight, streaming);
    else if (this.#flights[0] === flight) await this.#deliver(flight, 0);
    else await this.#followUp(flight, before);
    this.#land(flight, false);
  }

  /**
   * Null where it cannot go over a stream. A batch goes there alone: in company, batches are large, for which requests cost no more,
   * and one that overtakes another would be refused as a gap.
   */
  #overStream(flight: Flight): Promise<Tried<AppendResult> | null> | null {
    const { parcel, stamp, giveUp } = flight;
    const { builder } = parcel;
    // A message of a stream has no place for what a batch builds on.
    const isPlain = this.#flights.length === 1 && stamp.after === undefined;
    const stream = isPlain ? this.#connection.streamFor(builder.sizeBytes) : null;
    if (stream === null) return null;
    flight.streamed = true;
    return new Promise((settle) => {
      giveUp.onGiven = () => settle({ ...GIVEN_UP, url: stream.url });
      stream.append(builder.seal(this.#id, stamp), builder.count, settle);
    });
  }

  async #streamed(flight: Flight, streaming: Promise<Tried<AppendResult> | null>): Promise<void> {
    const tried = await streaming;
    if (tried?.kind === 'done') return this.#stored(flight, { ...tried, attempts: 1 });
    flight.streamed = false;
    await this.#deliver(flight, 0, tried);
  }

  async #followUp(flight: Flight, before: Promise<void>): Promise<void> {
    const { stamp } = flight;
    const tried = await this.#tryOnce(flight, before);
    flight.missed = tried?.kind !== 'done';
    // Under another stamp now: what it was tried under is fenced.
    const isSame = flight.stamp === stamp;
    flight.open = isSame && tried !== null && tried.kind !== 'done' && leavesOpen(tried);
    await before;
    if (tried?.kind === 'done') this.#stored(flight, { ...tried, attempts: 1 });
    else if (flight.doom) rejectEach(flight.parcel.sends, flight.doom);
    else await this.#deliver(flight, tried === null ? 0 : 1);
  }

  async #tryOnce(
    { parcel, stamp, giveUp }: Flight,
    oldest: Promise<void>,
  ): Promise<Tried<AppendResult> | null> {
    const call = appendCall(this.#connection, this.#id, parcel.builder, stamp);
    return await this.#connection.tryOnce(call, giveUp.signal, oldest);
  }

  #stored(flight: Flight, answer: Exchanged<AppendResult>): void {
    // First, for whoever hears of it may send the next one, which is then the oldest.
    this.#land(flight, true);
    this.#acknowledge(flight.parcel, answer);
  }

  #land(flight: Flight, stored: boolean): void {
    if (this.#flights[0] !== flight) return;
    this.#flights.shift();
    this.#outlet.landed(flight.parcel, stored);
  }

  /** As the oldest: until it is answered. */
  async #deliver(flight: Flight, attemptsBefore: number, failed: Failed | null = null): Promise<void> {
    const { parcel, stamp, giveUp } = flight;
    const { error, answer } = await this.#send(parcel, stamp, giveUp.signal, { open: flight.open, failed });
    if (error === null) this.#stored(flight, { ...answer, attempts: attemptsBefore + answer.attempts });
    else if (endsProducerEpoch(error.code)) this.#break(parcel.sends, error);
    else if (error.outcome === 'unknown') {
      // What may be stored later must not be: the next batch begins a new epoch, which fences this one.
      this.#stamps.advanced();
      this.#stamps.abandon();
      rejectEach(parcel.sends, error);
      this.#doomOthers(error);
    } else await this.#sortOut(flight, error);
  }

  async #send(
    { builder }: Parcel,
    stamp: Stamp,
    signal: AbortSignal,
    { open, failed }: { open: boolean; failed: Failed | null } = { open: false, failed: null },
  ): Promise<Sent> {
    try {
      const call = appendCall(this.#connection, this.#id, builder, stamp);
      const policy = { signal, leaderOnly: true, repeatable: true, open };
      return { error: null, answer: await this.#connection.exchange(call, policy, failed) };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return { error };
    }
  }

  /** The oldest was refused: what of it may yet be taken is sent, and those behind it take the sequences that follow. */
  async #sortOut({ parcel, stamp, giveUp }: Flight, error: ClientError): Promise<void> {
    this.#sorting = true;
    if (this.#flights.length > 1) this.#stamps.abandon();
    else this.#stamps.takeBack(stamp);
    await this.#refused(parcel, error, giveUp.signal);
    for (const flight of this.#flights.slice(1)) {
      const next = this.#stamps.next(flight.parcel.builder.count);
      if (next === null) this.#break([], this.#exhausted());
      else flight.stamp = next;
      flight.open = false;
    }
    this.#sorting = false;
  }

  async #refused(parcel: Parcel, error: ClientError, signal: AbortSignal): Promise<void> {
    const { sends } = parcel;
    if (!CONTENT_CODES.includes(error.code) || sends.length === 1) return rejectEach(sends, error);
    const half = Math.ceil(sends.length / 2);
    await this.#deliverPart(
      parcelOf(parcel, (_, index) => index < half),
      signal,
    );
    await this.#deliverPart(
      parcelOf(parcel, (_, index) => index >= half),
      signal,
    );
  }

  /** Nothing else is sent in this epoch meanwhile. */
  async #deliverPart(parcel: Parcel, signal: AbortSignal): Promise<void> {
    const stamp = this.#stamps.next(parcel.builder.count);
    if (stamp === null) return this.#break(parcel.sends, this.#exhausted());
    const { error, answer } = await this.#send(parcel, stamp, signal);
    if (error === null) return this.#acknowledge(parcel, answer);
    if (endsProducerEpoch(error.code)) return this.#break(parcel.sends, error);
    if (error.outcome !== 'unknown') {
      this.#stamps.takeBack(stamp);
      return this.#refused(parcel, error, signal);
    }
    this.#stamps.advanced();
    this.#stamps.abandon();
    rejectEach(parcel.sends, error);
  }

  #acknowledge({ sends }: Parcel, { value, url, attempts }: Exchanged<AppendResult>): void {
    const { offset, epoch } = value;
    this.#stamps.advanced();
    this.#connection.acknowledged(url, epoch);
    let next = offset;
    for (const pending of sends) {
      const { count } = pending;
      pending.resolve({ offset: next, count, epoch, attempts });
      next += count;
    }
  }

  #break(sends: readonly Pending[], error: ClientError): void {
    rejectEach(sends, error);
    this.#doomOthers(error);
    this.#outlet.broken(error);
  }

  /** They were on their way: whether they are stored is as open as it can be. */
  #doomOthers(error: ClientError): void {
    for (const flight of this.#flights.slice(1)) {
      flight.doom ??= error.asUnknown();
      flight.giveUp.abort(error);
    }
  }

  #exhausted(): ClientError {
    const message = `producer ${this.#id} has used up its epochs: it needs a new id`;
    return new ClientError('epoch-exhausted', message, { outcome: 'refused' });
  }
}

function rejectEach(sends: readonly Pending[], error: ClientError): void {
  for (const pending of sends) pending.reject(error);
}
