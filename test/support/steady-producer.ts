// A producer that sends numbered messages one after another and keeps what was acknowledged, and the check that a logger
// serves just that: every number once, in order, at the offset that its acknowledgement named.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientOptions, LogClient, Producer, type Retry } from '../../src/client/index.ts';
import { eventually } from './eventually.ts';
import type { Owner } from './loggers.ts';

/** Between two messages: a few hundred a second are enough to hit every moment, and leave the machine to the loggers. */
const PACE_MS = 4;
const READ_DEADLINE_MS = 40_000;

/** What the loggers are shown, where they ask for a token or speak TLS. */
type Access = Pick<ClientOptions, 'token' | 'ca'>;

export interface Acknowledged {
  readonly number: number;
  readonly offset: number;
  readonly epoch: number;
  readonly atMs: number;
}

export class SteadyProducer {
  readonly acks: Acknowledged[] = [];
  readonly retries: Retry[] = [];
  readonly #producer: Producer;
  readonly #access: Access;
  readonly #ending = new AbortController();
  #sending: Promise<void> = Promise.resolve();

  private constructor(apis: readonly string[], access: Access) {
    this.#access = access;
    this.#producer = new Producer({
      ...access,
      target: apis,
      onRetry: (retry) => this.retries.push(retry),
    });
  }

  static start(owner: Owner, apis: readonly string[], access: Access = {}): SteadyProducer {
    const steady = new SteadyProducer(apis, access);
    steady.#sending = steady.#send();
    // Whoever awaits `stop` is told; a test that failed before has its own error.
    steady.#sending.catch(() => undefined);
    owner.after(async () => {
      steady.#ending.abort();
      await steady.#producer.close({ signal: AbortSignal.timeout(1) });
    });
    return steady;
  }

  /** Resolves when so many more messages were acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acks.length + count;
    await Promise.race([
      eventually(`${count} more messages are acknowledged`, () => this.acks.length >= goal),
      // Ends early only by an error.
      this.#sending.then(() => assert.fail('the producer was stopped')),
    ]);
  }

  /** Sends no more; resolves when the last message is acknowledged, rejects if any was refused. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#sending;
  }

  /** Longest time without an acknowledgement since the `from`th. */
  longestGapMs(from: number): number {
    let longest = 0;
    for (let at = Math.max(1, from); at < this.acks.length; at++)
      longest = Math.max(longest, this.acks[at]!.atMs - this.acks[at - 1]!.atMs);
    return Math.round(longest);
  }

  /** Every logger named serves every acknowledged message at its offset, and no message twice or out of order. */
  async check(apis: readonly string[]): Promise<void> {
    for (const api of apis) await this.#checkOne(api);
  }

  async #checkOne(api: string): Promise<void> {
    const end = (this.acks.at(-1)?.offset ?? -1) + 1;
    const values = await readAll(api, end, this.#access);
    const at = (number: number): number => values.indexOf(textOf(number));
    for (const { number, offset } of this.acks)
      assert.equal(values[offset], textOf(number), `${api}: message ${number} is at ${at(number)}`);
    const numbers = values.flatMap((value) => numberIn(value) ?? []);
    const wanted = Array.from({ length: numbers.length }, (_, index) => index + 1);
    assert.deepEqual(numbers, wanted, `${api}: every number once and in order`);
  }

  async #send(): Promise<void> {
    for (let number = 1; !this.#ending.signal.aborted; number++) {
      const { offset, epoch } = await this.#producer.send(textOf(number));
      this.acks.push({ number, offset, epoch, atMs: performance.now() });
      await sleep(PACE_MS);
    }
  }
}

const textOf = (number: number): string => `Message: ${number}`;

function numberIn(value: string): number | null {
  const digits = /^Message: (\d+)$/.exec(value)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** All values that one logger serves, once it serves those below `end`. */
export async function readAll(api: string, end: number, access: Access = {}): Promise<string[]> {
  const client = new LogClient({ ...access, target: api });
  const signal = AbortSignal.timeout(READ_DEADLINE_MS);
  try {
    const values: string[] = [];
    for (;;) {
      const { records, commit } = await client.read({ offset: values.length, waitMs: 1000, signal });
      for (const { offset, value } of records) {
        assert.equal(offset, values.length);
        values.push(String(value));
      }
      if (values.length >= end && values.length >= commit) return values;
    }
  } finally {
    await client.close();
  }
}
