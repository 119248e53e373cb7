// The series against a double of the log: what matters is which numbers end up in it, in which order, and how often.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Acknowledgement,
  ClientError,
  type ReadResult,
  type Resumed,
} from '../../../src/client/index.ts';
import { Numbering } from '../../../src/producer/numbering.ts';
import { Series, type SeriesReport } from '../../../src/producer/series.ts';

const gap = () => new ClientError('sequence-gap', 'a gap', { outcome: 'refused' });
const lost = () => new ClientError('sequence-gap', 'a gap, and who knows', { outcome: 'unknown' });

type Fate = 'stored' | 'stored, then an error' | 'an error';

/** A log that takes batches from one producer. Each fate in `fates` is that of one send; after them all are stored. */
class FakeLog {
  readonly texts: string[] = [];
  readonly troubles: string[] = [];
  readonly resumedAt: (number | null)[] = [];
  readonly #fates: [Fate, () => Error][];
  readonly #ending = new AbortController();
  /** Whether the logger that is asked knows the producer. */
  knows = true;
  gone = false;

  constructor(fates: [Fate, () => Error][] = []) {
    this.#fates = fates;
  }

  readonly producer = {
    send: async (given: unknown): Promise<Acknowledgement> => {
      const [fate, error] = this.#fates.shift() ?? ['stored', gap];
      const offset = this.texts.length;
      const texts = given as string[];
      if (fate !== 'an error') this.texts.push(...texts);
      if (fate !== 'stored') throw error();
      return { offset, count: texts.length, epoch: 1, attempts: 1 };
    },
    resume: async (): Promise<Resumed | null> => {
      if (!this.knows || this.texts.length === 0) return null;
      return { epoch: 0, lastSequence: 0, lastOffset: this.texts.length - 1 };
    },
    client: {
      read: async ({ offset }: { offset?: unknown } = {}): Promise<ReadResult> => {
        if (this.gone) throw new ClientError('offset-gone', 'gone', { outcome: 'none' });
        const value = this.texts[offset as number] as string;
        const record = { offset: offset as number, timestampMs: 0, epoch: 1, key: null, value };
        return { records: [record], commit: this.texts.length, next: this.texts.length };
      },
    },
  };

  /** Runs a series until the log holds `total` texts. */
  async run({
    total,
    keptId = false,
    due = 1,
  }: {
    total: number;
    keptId?: boolean;
    due?: number;
  }): Promise<void> {
    const report: SeriesReport = {
      sending: () => {},
      acknowledged: () => {},
      resumed: (_next, lastOffset) => this.resumedAt.push(lastOffset),
      failed: ({ code, message }) => this.troubles.push(`${code}: ${message}`),
      trouble: (detail) => this.troubles.push(detail),
    };
    const pace = {
      due: async (signal: AbortSignal) => {
        if (this.texts.length >= total) this.#ending.abort();
        signal.throwIfAborted();
        return due;
      },
    };
    const numbering = new Numbering('Message: %d');
    const series = new Series({ producer: this.producer, numbering, pace, keptId, retryMaxMs: 1, report });
    await series.run(this.#ending.signal, new AbortController().signal);
  }

  get numbers(): number[] {
    return this.texts.map((text) => Number(text.replace('Message: ', '')));
  }
}

test('numbers go up from 1, as many at a time as are due', async () => {
  const log = new FakeLog();
  await log.run({ total: 6, due: 2 });
  assert.deepEqual(log.numbers, [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(log.resumedAt, []);
});

test('with a kept id the log says where to begin', async () => {
  const log = new FakeLog();
  log.texts.push('Message: 1', 'Message: 2');
  await log.run({ total: 4, keptId: true });
  assert.deepEqual(log.numbers, [1, 2, 3, 4]);
  assert.deepEqual(log.resumedAt, [1]);
});

test('with a kept id that the log does not know it begins with 1', async () => {
  const log = new FakeLog();
  await log.run({ total: 2, keptId: true });
  assert.deepEqual(log.numbers, [1, 2]);
});

test('a batch refused for its sequence is sent again', async () => {
  const log = new FakeLog([
    ['stored', gap],
    ['an error', gap],
  ]);
  await log.run({ total: 4, due: 2 });
  assert.deepEqual(log.numbers, [1, 2, 3, 4]);
});

test('a batch that was stored though the client gave up on it is not sent again', async () => {
  const log = new FakeLog([
    ['stored', gap],
    ['stored, then an error', lost],
  ]);
  await log.run({ total: 6, due: 2 });
  assert.deepEqual(log.numbers, [1, 2, 3, 4, 5, 6]);
});

test('what a predecessor stored after all is not sent again', async () => {
  const moved = (): Error => {
    log.texts.push('Message: 3');
    return new ClientError('producer-moved', 'a late request', { outcome: 'refused' });
  };
  const log = new FakeLog([['an error', moved]]);
  log.texts.push('Message: 1', 'Message: 2');
  await log.run({ total: 5, keptId: true });
  assert.deepEqual(log.numbers, [1, 2, 3, 4, 5]);
  assert.deepEqual(log.resumedAt, [1, 2]);
});

test('a logger that knows nothing of the producer does not set the numbers back', async () => {
  const log = new FakeLog([
    ['stored', gap],
    ['stored', gap],
    ['an error', gap],
  ]);
  log.knows = false;
  await log.run({ total: 4 });
  assert.deepEqual(log.numbers, [1, 2, 3, 4]);
});

test('a refusal for another reason is met by trying the same numbers again', async () => {
  const refused = () => new ClientError('record-too-large', 'too large', { outcome: 'refused' });
  const log = new FakeLog([['an error', refused]]);
  await log.run({ total: 2 });
  assert.deepEqual(log.numbers, [1, 2]);
  assert.deepEqual(log.resumedAt, []);
  assert.match(log.troubles.join(), /record-too-large/);
});

test('a last record that is gone or strange is told, and the numbers go on from what is known', async () => {
  for (const last of ['gone', 'strange'] as const) {
    const log = new FakeLog();
    log.texts.push('Message: 8');
    if (last === 'gone') log.gone = true;
    else log.texts.push('hello');
    await log.run({ total: log.texts.length + 1, keptId: true });
    assert.equal(log.numbers.at(-1), 1);
    assert.equal(log.troubles.length, 1);
  }
});

test('being fenced ends the series', async () => {
  const fenced = () => new ClientError('producer-fenced', 'fenced', { outcome: 'refused' });
  await assert.rejects(new FakeLog([['an error', fenced]]).run({ total: 1 }), { code: 'producer-fenced' });
});
