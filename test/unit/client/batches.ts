// A producer beside a scripted logger: what tests of its batches have in common.
import assert from 'node:assert/strict';
import { ClientError, Producer, type ProducerOptions, type Retry } from '../../../src/client/index.ts';
import {
  answer,
  type Owner,
  problem,
  type Received,
  reset,
  type Step,
  stampIn,
  valuesIn,
} from './scripted-logger.ts';

/** Larger than half a batch: two of them never share one. */
const LARGE = 300 * 1024;

export function producerFor(
  owner: Owner,
  target: string | readonly string[],
  options: Partial<ProducerOptions> = {},
) {
  const retries: Retry[] = [];
  const producer = new Producer({
    target,
    retryMaxMs: 20,
    requestTimeoutMs: 60_000,
    onRetry: (retry) => retries.push(retry),
    id: 7n,
    ...options,
  });
  owner.after(() => producer.close({ signal: AbortSignal.abort(new Error('the test is over')) }));
  return { producer, retries };
}

export const large = (text: string): string => text.padEnd(LARGE, '.');
export const nameIn = (received: Received): string =>
  valuesIn(received)
    .map((value) => value.replace(/\.+$/, ''))
    .join();

/** A logger's rules for one producer: the next sequence is stored, a known one repeated, anything else refused. */
export class Rules {
  readonly stored: string[] = [];
  gaps = 0;
  #epoch = 0;
  #next = 0;
  /** Batches of the epoch by their first sequence. */
  readonly #known = new Map<number, { readonly name: string; readonly offset: number }>();

  readonly step: Step = (received) => {
    const { epoch, sequence } = stampIn(received);
    const count = valuesIn(received).length;
    const name = nameIn(received);
    if (epoch < this.#epoch) return problem('producer-fenced')(received);
    if (epoch > this.#epoch) {
      if (sequence !== 0) return problem('sequence-gap')(received);
      this.#epoch = epoch;
      this.#next = 0;
      this.#known.clear();
    }
    const known = this.#known.get(sequence);
    if (known?.name === name) return answer(200, { offset: known.offset, count, epoch: 1 })(received);
    if (sequence < this.#next) return problem('sequence-conflict')(received);
    if (sequence > this.#next) {
      this.gaps += 1;
      return problem('sequence-gap')(received);
    }
    const offset = this.stored.length;
    this.stored.push(...name.split(','));
    this.#next += count;
    this.#known.set(sequence, { name, offset });
    return answer(200, { offset, count, epoch: 1 })(received);
  };
}

export const settled = async (sent: readonly Promise<{ offset: number }>[]): Promise<(number | string)[]> =>
  (await Promise.allSettled(sent)).map((result) => {
    if (result.status === 'fulfilled') return result.value.offset;
    assert.ok(result.reason instanceof ClientError);
    return `${result.reason.code} ${result.reason.outcome}`;
  });

export const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** Chances from 0 to 1, the same again for the same seed. */
export function chances(first: number): () => number {
  let seed = first;
  return () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
}

/** Does what a step does, and keeps the answer to itself. */
export const unanswered =
  (step: Step): Step =>
  (received) => {
    const mute = { ...received, response: { writeHead: () => mute.response, end: () => {} } as never };
    return step(mute);
  };

/** Breaks connections, and refuses for each of two reasons, this often; else as the rules say. */
export const troubled =
  (rules: Rules, chance: () => number, resets: number, refusals: number): Step =>
  (received) => {
    const luck = chance();
    if (luck < resets) return reset(received);
    if (luck < resets + refusals) return problem('overloaded', { retryAfterMs: 1 })(received);
    if (luck < resets + 2 * refusals) return problem('outcome-unknown', { retryAfterMs: 1 })(received);
    return rules.step(received);
  };
