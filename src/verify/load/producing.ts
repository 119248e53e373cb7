// An exactly-once producer under load. Each send has a deadline and is recorded with what the producer says of it: one that was
// given up in the queue is refused, one that was on its way is unknown, and the producer then fences what may still be under
// way before it sends on, so that it appears in its place or never.
import { ClientError, endsProducerEpoch, Producer } from '../../client/index.ts';
import { Pace } from '../../producer/pace.ts';
import { historyNow } from '../history.ts';
import type { Part } from './options.ts';
import type { Recorder } from './recorder.ts';
import { SentValues } from './sent-values.ts';

/** Sends that may be unsettled: enough for batches to form, little enough that an outage does not pile them up. */
const MAX_UNSETTLED = 64;
/** Every so many sends is one of several records, which must stay together. */
const BATCH_EVERY = 8;
const BATCH_RECORDS = 3;
const CLOSE_MS = 1000;

export async function produce(part: Part, recorder: Recorder, ending: AbortSignal): Promise<void> {
  const { process, options } = part;
  const producing = new Producing(part, recorder);
  const pace = new Pace(options.rate);
  recorder.begins(process, historyNow());
  try {
    for (;;) {
      let due: number;
      try {
        due = await pace.due(ending);
      } catch {
        break; // told to end
      }
      for (; due > 0 && !ending.aborted; due -= 1) await producing.send(ending);
    }
    recorder.ends(process, historyNow());
  } finally {
    await producing.end();
  }
}

class Producing {
  readonly #process: string;
  readonly #timeoutMs: number;
  readonly #recorder: Recorder;
  readonly #producer: Producer;
  readonly #values: SentValues;
  readonly #unsettled = new Set<Promise<void>>();
  #calls = 0;
  #disagrees = false;
  #failure: unknown = null;

  constructor({ process, options: { targets, callTimeoutMs }, access }: Part, recorder: Recorder) {
    this.#process = process;
    this.#timeoutMs = callTimeoutMs;
    this.#recorder = recorder;
    this.#producer = new Producer({ target: targets, ...access });
    this.#values = new SentValues(process, recorder);
  }

  /** Resolves when the next may be sent. Rejects when a call failed in a way that no history has a word for. */
  async send(ending: AbortSignal): Promise<void> {
    while (this.#unsettled.size >= MAX_UNSETTLED) await Promise.race(this.#unsettled);
    if (this.#failure !== null) throw this.#failure;
    if (this.#disagrees && !(await this.#resumed(ending))) return;
    const call = this.#calls++;
    const values = this.#values.take(call % BATCH_EVERY === BATCH_EVERY - 1 ? BATCH_RECORDS : 1);
    const settled = this.#send(call, values)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#unsettled.delete(settled));
    this.#unsettled.add(settled);
  }

  /** Waits for what is under way, which has deadlines, and closes. */
  async end(): Promise<void> {
    await Promise.all(this.#unsettled);
    await this.#producer.close({ signal: AbortSignal.timeout(CLOSE_MS) });
    if (this.#failure !== null) throw this.#failure;
  }

  async #send(call: number, values: readonly string[]): Promise<void> {
    const producer = String(this.#producer.id);
    const start = historyNow();
    const about = { process: this.#process, call, start, values, producer };
    try {
      const { offset, count, epoch, attempts } = await this.#producer.send(values, {
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      this.#recorder.append({ ...about, end: historyNow(), outcome: 'ok', offset, count, epoch, attempts });
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const { outcome, code } = error;
      if (endsProducerEpoch(code)) this.#disagrees = true;
      this.#recorder.append({
        ...about,
        end: historyNow(),
        outcome: outcome === 'refused' ? 'refused' : 'unknown',
        code,
      });
    }
  }

  async #resumed(ending: AbortSignal): Promise<boolean> {
    try {
      await this.#producer.resume({
        signal: AbortSignal.any([ending, AbortSignal.timeout(this.#timeoutMs)]),
      });
      this.#disagrees = false;
      return true;
    } catch (error) {
      if (error instanceof ClientError) return false; // tried again before the next send
      throw error;
    }
  }
}
