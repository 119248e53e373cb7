// Receives heartbeats and hands them to the main thread. Invariant: the main thread sees the beats of one logger in the order
// sent, since only its newest connection counts. While the main thread is stuck only the latest beat per logger waits
// for it, so that what waits is bounded.
import type { Socket } from 'node:net';
import type { Beat } from '../replica/types.ts';
import { decodeBeat } from './beat-words.ts';
import { Channel } from './channel.ts';
import { shakeHands } from './handshake.ts';
import { type OwnHello, REFUSALS, refusalOf } from './hello.ts';
import { BEAT_BUFFER_BYTES_MAX, BEAT_IDLE_MS, HANDSHAKE_TIMEOUT_MS } from './limits.ts';
import type { QuietLog } from './quiet-log.ts';
import type { TurnWatch } from './turn-watch.ts';

export class BeatReceiver {
  readonly #log: QuietLog;
  readonly #watch: TurnWatch;
  readonly #received: (uid: string, beat: Beat) => void;
  readonly #channels = new Map<string, Channel>();
  readonly #waiting = new Map<string, Beat>();

  constructor(log: QuietLog, watch: TurnWatch, received: (uid: string, beat: Beat) => void) {
    this.#log = log;
    this.#watch = watch;
    this.#received = received;
  }

  accept(socket: Socket, own: OwnHello): void {
    const channel = new Channel(socket, BEAT_BUFFER_BYTES_MAX);
    const { remote } = channel;
    const about = remote.replace(/:\d+$/, '');
    channel.ended = ({ reason, detail }) => {
      if (reason !== 'refused')
        this.#log.warn(about, { remote, reason, detail }, 'a heartbeat connection ended in its handshake');
    };
    shakeHands(channel, {
      own,
      kind: 'beat',
      dialled: null,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      decides: () => true,
      judge: (theirs) => refusalOf(own, theirs, 'beat'),
      refused: (refusal, { id, uid }) =>
        this.#log.warn(about, { peer: id, uid, refusal }, `refused heartbeats: ${REFUSALS[refusal]}`),
      stands: ({ uid }) => this.#stands(channel, uid),
    });
  }

  /** Lets go of connections whose other end is no more, and of beats that waited for the main thread. */
  check(): void {
    const nowMs = performance.now();
    for (const channel of this.#channels.values())
      if (nowMs - channel.heardMs > BEAT_IDLE_MS) channel.close('silent', `no beat for ${BEAT_IDLE_MS} ms`);
    if (this.#waiting.size === 0 || this.#watch.stuck) return;
    for (const [uid, beat] of this.#waiting) this.#received(uid, beat);
    this.#waiting.clear();
  }

  #stands(channel: Channel, uid: string): void {
    this.#channels.get(uid)?.close('replaced', 'the same logger dialled again');
    this.#channels.set(uid, channel);
    channel.receive = (frame) => {
      const { beat, echoMs } = decodeBeat(frame);
      if (echoMs !== null) channel.send({ type: 'echo', echoMs });
      if (this.#watch.stuck) this.#waiting.set(uid, beat);
      else {
        this.#waiting.delete(uid);
        this.#received(uid, beat);
      }
    };
    channel.ended = ({ reason, detail }) => {
      if (this.#channels.get(uid) === channel) this.#channels.delete(uid);
      if (reason === 'malformed')
        this.#log.warn(uid, { uid, detail }, 'a heartbeat connection sent nonsense');
    };
  }
}
