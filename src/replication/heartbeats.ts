// The main thread's hold on the heartbeat thread. Heartbeats are sent and received there, so that a main thread that is busy
// with requests neither looks dead to others nor reads their beats late. But a main thread that is *stuck* must look
// dead: it counts in shared memory what it does (turn-watch.ts), and when that is nothing for `suspectMs` the thread stops sending.
import { Worker } from 'node:worker_threads';
import type { Beat } from '../replica/types.ts';
import {
  type BeatTarget,
  type BeatThreadData,
  type FromBeatThread,
  sharedMs,
  type ToBeatThread,
} from './beat-words.ts';
import type { TlsMaterial } from './dial.ts';
import { HeardReader, heardCounts } from './heard-counts.ts';
import type { WireMetrics } from './metrics.ts';
import type { WireLog } from './quiet-log.ts';
import { TurnCounter, turnCounts } from './turn-watch.ts';

/** The thread holds a few sockets and small frames. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8, stackSizeMb: 2 };
/** Turns are counted at least this many times in each `suspectMs`. */
const TURNS_PER_SUSPECT = 8;

interface HeartbeatsOptions extends Pick<BeatThreadData, 'hello' | 'listen' | 'heartbeatMs' | 'suspectMs'> {
  readonly tls: (() => TlsMaterial) | null;
  readonly log: WireLog;
  readonly metrics: WireMetrics;
  received(uid: string, beat: Beat): void;
  /** As of `TransportHandlers`. */
  clock(uid: string, wallMs: number, agoMs: number): void;
  /** Called some times in each `suspectMs`, after the beats: what else is due now and then need not wake the processor anew. */
  turned(): void;
}

export class Heartbeats {
  /** Of the thread's own listener. */
  readonly port: number;
  readonly #worker: Worker;
  readonly #tls: (() => TlsMaterial) | null;
  readonly #counter: TurnCounter;
  readonly #turnTimer: NodeJS.Timeout;
  readonly #heard: HeardReader;
  #usedTls: TlsMaterial | null;
  #closing = false;

  /** Rejects when the thread's listener cannot listen. */
  static async start(options: HeartbeatsOptions): Promise<Heartbeats> {
    const { hello, listen, heartbeatMs, suspectMs } = options;
    const turns = turnCounts();
    const tls = options.tls?.() ?? null;
    const heard = heardCounts();
    const workerData: BeatThreadData = { hello, listen, heartbeatMs, suspectMs, tls, turns, heard };
    // Node runs the sources as they are, and the build as JavaScript: the thread's file has our own extension.
    const file = import.meta.url.endsWith('.ts')
      ? new URL('./beat-thread.ts', import.meta.url)
      : new URL('./beat-thread.js', import.meta.url);
    const worker = new Worker(file, { workerData, resourceLimits: RESOURCE_LIMITS, name: 'heartbeats' });
    try {
      const port = await listening(worker);
      return new Heartbeats(worker, port, workerData, options);
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  private constructor(
    worker: Worker,
    port: number,
    { turns, heard, tls }: BeatThreadData,
    options: HeartbeatsOptions,
  ) {
    this.#worker = worker;
    this.port = port;
    this.#tls = options.tls;
    this.#usedTls = tls;
    this.#counter = new TurnCounter(turns);
    this.#heard = new HeardReader(heard);
    const { suspectMs, heartbeatMs, received, turned } = options;
    const turn = (): void => {
      this.#counter.turn();
      this.#heard.look(received);
      turned();
    };
    this.#turnTimer = setInterval(turn, Math.min(suspectMs / TURNS_PER_SUSPECT, heartbeatMs));
    worker.on('message', (message: FromBeatThread) => this.#received(message, options));
    // Without its heartbeats a logger is as good as dead, and looks so to the others: better it ends and starts anew.
    worker.on('error', (cause) => {
      throw new Error('the heartbeat thread failed', { cause });
    });
    worker.on('exit', (code) => {
      if (!this.#closing) throw new Error(`the heartbeat thread ended by itself with code ${code}`);
    });
  }

  /** The main thread has taken in an event. */
  stepped(): void {
    this.#counter.step();
  }

  set(beat: Beat): void {
    this.#post({ type: 'beat', beat });
  }

  setTargets(targets: readonly BeatTarget[]): void {
    this.#post({ type: 'targets', targets });
  }

  /** Hands certificates over that have changed. */
  renewTls(): void {
    const tls = this.#tls?.() ?? null;
    if (tls === null || tls === this.#usedTls) return;
    this.#usedTls = tls;
    this.#post({ type: 'tls', tls });
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#turnTimer);
    await this.#worker.terminate();
  }

  #post(message: ToBeatThread): void {
    if (!this.#closing) this.#worker.postMessage(message);
  }

  #received(message: FromBeatThread, { received, clock, metrics, log }: HeartbeatsOptions): void {
    if (this.#closing) return;
    switch (message.type) {
      case 'beats':
        for (const heard of message.beats) {
          this.#heard.told(heard);
          received(heard.uid, heard.beat);
        }
        break;
      case 'missed':
        metrics.beatsMissed(message.id, message.count);
        break;
      case 'tls-failed':
        metrics.tlsFailed();
        break;
      case 'round-trips':
        for (const { id, uid, ms, wallMs, atMs } of message.trips) {
          metrics.roundTrip(id, ms);
          if (wallMs !== null) clock(uid, wallMs, sharedMs() - atMs);
        }
        break;
      case 'log':
        log[message.level](message.fields, message.text);
        break;
    }
  }
}

/** The port of the thread's listener, which is the first that it tells. */
function listening(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (message: FromBeatThread) => {
      worker.off('error', reject);
      if (message.type === 'listening') resolve(message.port);
      else if (message.type === 'failed')
        reject(Object.assign(new Error(message.text), { code: message.code }));
      else reject(new Error(`the heartbeat thread began with ${message.type}`));
    });
  });
}
