// Receives heartbeats and hands them to the main thread. Invariant: the main thread sees the beats of one logger in the order
// sent, since only its newest connection counts. A beat that says something new goes on at once; the others, which only
// show that their sender lives, go together once per `heartbeatMs`, for a message between threads costs more than the beat.
// While the main thread is stuck only the latest of each logger waits for it, so that what waits is bounded.
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Beat } from '../replica/types.ts';
import { decodeBeat, type Heard } from './beat-words.ts';
import { Channel } from './channel.ts';
import { shakeHands } from './handshake.ts';
import { type OwnHello, REFUSALS, refusalOf } from './hello.ts';
import { BEAT_BUFFER_BYTES_MAX, BEAT_IDLE_MS, HANDSHAKE_TIMEOUT_MS } from './limits.ts';
import type { QuietLog } from './quiet-log.ts';
import type { TurnWatch } from './turn-watch.ts';

interface BeatReceiverOptions {
  readonly log: QuietLog;
  readonly watch: TurnWatch;
  readonly heartbeatMs: number;
  pass(beats: readonly Heard[]): void;
  /** Heartbeats of a connected logger that had not come when the next one was due. */
  missed(id: string, count: number): void;
}

interface Line {
  readonly id: string;
  readonly channel: Channel;
  heardMs: number;
}

export class BeatReceiver {
  readonly #options: BeatReceiverOptions;
  readonly #lines = new Map<string, Line>();
  /** What the main thread was told last, and what waits to be told, by uid. */
  readonly #told = new Map<string, Beat>();
  readonly #waiting = new Map<string, Beat>();

  constructor(options: BeatReceiverOptions) {
    this.#options = options;
  }

  accept(socket: Socket, own: OwnHello): void {
    const channel = new Channel(socket, BEAT_BUFFER_BYTES_MAX);
    const { remote } = channel;
    const about = remote.replace(/:\d+$/, '');
    channel.ended = ({ reason, detail }) => {
      if (reason !== 'refused')
        this.#options.log.warn(
          about,
          { remote, reason, detail },
          'a heartbeat connection ended in its handshake',
        );
    };
    shakeHands(channel, {
      own,
      kind: 'beat',
      dialled: null,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      decides: () => true,
      judge: (theirs) => refusalOf(own, theirs, 'beat'),
      refused: (refusal, { id, uid }) =>
        this.#options.log.warn(about, { peer: id, uid, refusal }, `refused heartbeats: ${REFUSALS[refusal]}`),
      stands: ({ id, uid }) => this.#stands({ id, channel, heardMs: performance.now() }, uid),
    });
  }

  /**
   * To be called each `heartbeatMs`: passes on what waits, counts beats that are overdue, and lets go of connections whose
   * other end is no more.
   */
  check(): void {
    const nowMs = performance.now();
    const { heartbeatMs, missed } = this.#options;
    for (const { id, channel, heardMs } of this.#lines.values()) {
      if (nowMs - channel.heardMs > BEAT_IDLE_MS) channel.close('silent', `no beat for ${BEAT_IDLE_MS} ms`);
      else if (nowMs - heardMs > 2 * heartbeatMs) missed(id, 1);
    }
    if (this.#waiting.size > 0 && !this.#options.watch.stuck) this.#passOn();
  }

  #passOn(): void {
    const beats = [...this.#waiting].map(([uid, beat]) => ({ uid, beat }));
    this.#waiting.clear();
    for (const { uid, beat } of beats) this.#told.set(uid, beat);
    this.#options.pass(beats);
  }

  #stands(line: Line, uid: string): void {
    const { channel } = line;
    this.#lines.get(uid)?.channel.close('replaced', 'the same logger dialled again');
    this.#lines.set(uid, line);
    channel.receive = (frame) => {
      line.heardMs = performance.now();
      const { beat, echoMs } = decodeBeat(frame);
      if (echoMs !== null) channel.send({ type: 'echo', echoMs });
      this.#waiting.set(uid, beat);
      if (!this.#options.watch.stuck && !isDeepStrictEqual(beat, this.#told.get(uid))) this.#passOn();
    };
    channel.ended = ({ reason, detail }) => {
      if (this.#lines.get(uid) === line) {
        this.#lines.delete(uid);
        this.#told.delete(uid);
      }
      if (reason === 'malformed')
        this.#options.log.warn(uid, { uid, detail }, 'a heartbeat connection sent nonsense');
    };
  }
}
