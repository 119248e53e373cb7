// Sends heartbeats: one connection to each logger that there is a link to, dialled by us and used in this direction only. Since
// each side dials for its own beats, no two connections compete for one purpose.
import type { Socket } from 'node:net';
import type { Beat } from '../replica/types.ts';
import { type BeatTarget, decodeEcho, encodeBeat, type RoundTrip, sharedMs } from './beat-words.ts';
import { Channel, type Ending } from './channel.ts';
import { dial, parseHostPort, type TlsMaterial } from './dial.ts';
import { shakeHands } from './handshake.ts';
import { type OwnHello, refusalOf } from './hello.ts';
import { BEAT_BUFFER_BYTES_MAX, ECHO_EVERY_MS, ECHO_SILENCE_MS, HANDSHAKE_TIMEOUT_MS } from './limits.ts';
import type { QuietLog } from './quiet-log.ts';
import { Redial } from './redial.ts';

interface BeatSenderOptions {
  readonly own: OwnHello;
  readonly tls: (() => TlsMaterial) | null;
  readonly log: QuietLog;
  roundTrip(trip: RoundTrip): void;
}

export class BeatSender {
  readonly #options: BeatSenderOptions;
  #lines: readonly Line[] = [];
  #last: Encoded | null = null;

  constructor(options: BeatSenderOptions) {
    this.#options = options;
  }

  setTargets(targets: readonly BeatTarget[]): void {
    const kept = new Map<string, Line>();
    for (const line of this.#lines) {
      if (targets.some((target) => line.leadsTo(target))) kept.set(line.target.uid, line);
      else line.stop();
    }
    const first = (): Encoded | null => this.#last;
    this.#lines = targets.map((target) => kept.get(target.uid) ?? new Line(target, this.#options, first));
  }

  send(beat: Beat): void {
    if (this.#last?.beat !== beat) this.#last = { beat, frame: encodeBeat(beat) };
    const nowMs = performance.now();
    for (const line of this.#lines) line.send(this.#last, nowMs);
  }

  check(): void {
    for (const line of this.#lines) line.check();
  }
}

/** A beat and its frame, which is the same each time that it goes out, but for those that ask for an echo. */
interface Encoded {
  readonly beat: Beat;
  readonly frame: Buffer;
}

/** The way to one logger. */
class Line {
  readonly target: BeatTarget;
  readonly #options: BeatSenderOptions;
  /** What a new connection begins with. */
  readonly #first: () => Encoded | null;
  readonly #redial: Redial;
  #channel: Channel | null = null;
  #askedMs = 0;
  /** Since when an echo is awaited; null: none is. */
  #waitingMs: number | null = null;

  constructor(target: BeatTarget, options: BeatSenderOptions, first: () => Encoded | null) {
    this.target = target;
    this.#options = options;
    this.#first = first;
    // The jitter of redials decides nothing, so that it needs no random source that can be replayed.
    this.#redial = new Redial((signal) => this.#dial(signal), Math.random);
    this.#redial.now();
  }

  leadsTo({ uid, peer, beatPort }: BeatTarget): boolean {
    return uid === this.target.uid && peer === this.target.peer && beatPort === this.target.beatPort;
  }

  stop(): void {
    this.#redial.stop();
    this.#channel?.close('shutdown', 'no link to this logger any more');
    this.#channel = null;
  }

  send({ beat, frame }: Encoded, nowMs: number): void {
    if (this.#channel === null) return;
    if (nowMs - this.#askedMs < ECHO_EVERY_MS) {
      this.#channel.sendEncoded(frame);
      return;
    }
    this.#askedMs = nowMs;
    this.#waitingMs ??= nowMs;
    this.#channel.send({ type: 'beat', beat, echoMs: nowMs });
  }

  /** A connection that swallows beats is no connection: the node behind it was cut off, or came back as another. */
  check(): void {
    if (this.#waitingMs !== null && performance.now() - this.#waitingMs > ECHO_SILENCE_MS)
      this.#channel?.close('silent', `no echo for ${ECHO_SILENCE_MS} ms`);
  }

  #dial(signal: AbortSignal): void {
    const { id, peer, beatPort } = this.target;
    const host = parseHostPort(peer)?.host ?? '';
    const failed = (error: Error): void => {
      this.#redial.failed();
      const fields = { peer: id, address: `${host}:${beatPort}`, error: error.message };
      if (!signal.aborted)
        this.#options.log.warn(id, fields, 'cannot reach the heartbeat listener of a logger');
    };
    dial({ host, port: beatPort }, this.#options.tls?.() ?? null, signal).then(
      (socket) => this.#shake(socket, signal),
      failed,
    );
  }

  #shake(socket: Socket, signal: AbortSignal): void {
    const { own, log } = this.#options;
    const { target } = this;
    const channel = new Channel(socket, BEAT_BUFFER_BYTES_MAX);
    signal.addEventListener('abort', () => channel.close('shutdown', 'no longer wanted'));
    channel.ended = ({ reason, detail }: Ending) => {
      this.#redial.failed();
      const fields = { peer: target.id, reason, detail };
      if (!signal.aborted) log.warn(target.id, fields, 'a heartbeat connection ended in its handshake');
    };
    shakeHands(channel, {
      own,
      kind: 'beat',
      dialled: target.id,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      decides: () => false,
      judge: (theirs) =>
        refusalOf(own, theirs, 'beat') ?? (theirs.uid === target.uid ? null : 'wrong-address'),
      refused: () => {},
      stands: () => this.#stands(channel),
    });
  }

  #stands(channel: Channel): void {
    const sinceMs = performance.now();
    this.#redial.stands();
    this.#channel = channel;
    this.#waitingMs = null;
    channel.receive = (frame) => {
      this.#waitingMs = null;
      const { echoMs, wallMs = null } = decodeEcho(frame);
      const { id, uid } = this.target;
      this.#options.roundTrip({ id, uid, ms: performance.now() - echoMs, wallMs, atMs: sharedMs() });
    };
    channel.ended = () => {
      if (this.#channel !== channel) return;
      this.#channel = null;
      this.#redial.lost(performance.now() - sinceMs);
    };
    const beat = this.#first();
    if (beat !== null) this.send(beat, performance.now());
  }
}
