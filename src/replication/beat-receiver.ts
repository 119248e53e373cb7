// Receives heartbeats and hands them to the main thread. Invariant: the main thread sees the beats of one logger in the order
// sent, since only its newest connection counts. A beat that says something new goes on at once; the others, which only
// show that their sender lives, are counted (heard-counts.ts), and known by their bytes.
// While the main thread is stuck only the latest of each logger waits for it, so that what waits is bounded.
import type { Socket } from 'node:net';
import type { Beat } from '../replica/types.ts';
import { decodeBeat, type Echo, encodeBeat, type Heard, sameBeat } from './beat-words.ts';
import { Channel } from './channel.ts';
import { shakeHands } from './handshake.ts';
import type { HeardCounter } from './heard-counts.ts';
import { type OwnHello, REFUSALS, refusalOf } from './hello.ts';
import { BEAT_BUFFER_BYTES_MAX, BEAT_IDLE_MS, HANDSHAKE_TIMEOUT_MS } from './limits.ts';
import type { QuietLog } from './quiet-log.ts';
import type { TurnWatch } from './turn-watch.ts';

interface BeatReceiverOptions {
  readonly log: QuietLog;
  readonly watch: TurnWatch;
  readonly heartbeatMs: number;
  readonly counter: HeardCounter;
  pass(beats: readonly Heard[]): void;
  /** A beat has come of one that leads, or starts to. */
  heardLeader(): void;
  /** Heartbeats of a connected logger that had not come when the next one was due. */
  missed(id: string, count: number): void;
}

interface Line {
  readonly id: string;
  readonly channel: Channel;
  heardMs: number;
}

/** What the main thread was told last of a logger. */
interface Told extends Heard {
  /** As it comes when it comes again. A logger of another version may write the same otherwise: then it is read each time. */
  readonly frame: Buffer;
}

export class BeatReceiver {
  readonly #options: BeatReceiverOptions;
  readonly #lines = new Map<string, Line>();
  readonly #told = new Map<string, Told>();
  /** What waits to be told, by uid. */
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
    const { counter, pass } = this.#options;
    const beats = [...this.#waiting].map(([uid, beat]) => ({ uid, beat, place: counter.next(uid) }));
    this.#waiting.clear();
    for (const heard of beats) this.#told.set(heard.uid, { ...heard, frame: encodeBeat(heard.beat) });
    pass(beats);
  }

  #stands(line: Line, uid: string): void {
    const { channel } = line;
    this.#lines.get(uid)?.channel.close('replaced', 'the same logger dialled again');
    this.#lines.set(uid, line);
    channel.skim = (chunk) => {
      const told = this.#told.get(uid);
      if (told === undefined || !told.frame.equals(chunk)) return false;
      this.#heardAgain(line, told);
      return true;
    };
    channel.receive = (frame) => {
      const { beat, echoMs } = decodeBeat(frame);
      if (echoMs !== null) channel.send({ type: 'echo', echoMs, wallMs: Date.now() } satisfies Echo);
      const told = this.#told.get(uid);
      if (told !== undefined && sameBeat(beat, told.beat)) this.#heardAgain(line, told);
      else this.#heardNew(line, uid, beat);
    };
    this.#endsWith(line, uid);
  }

  /** Whatever else waits to be told of this logger is out of date. */
  #heardAgain(line: Line, { uid, beat, place }: Told): void {
    line.heardMs = line.channel.heardMs;
    if (place === null) this.#waiting.set(uid, beat);
    else {
      this.#waiting.delete(uid);
      this.#options.counter.again(place);
    }
    if (beat.claim !== null) this.#options.heardLeader();
  }

  #heardNew(line: Line, uid: string, beat: Beat): void {
    line.heardMs = line.channel.heardMs;
    this.#waiting.set(uid, beat);
    if (!this.#options.watch.stuck) this.#passOn();
    if (beat.claim !== null) this.#options.heardLeader();
  }

  #endsWith(line: Line, uid: string): void {
    line.channel.ended = ({ reason, detail }) => {
      if (this.#lines.get(uid) === line) {
        this.#lines.delete(uid);
        this.#told.delete(uid);
      }
      if (reason === 'malformed')
        this.#options.log.warn(uid, { uid, detail }, 'a heartbeat connection sent nonsense');
    };
  }
}
