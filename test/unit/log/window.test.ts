// The memory of recent batches against a model: a plain list of which nothing is forgotten.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Segment } from '../../../src/log/segments.ts';
import { type Entry, Window } from '../../../src/log/window.ts';

const BOUND_BYTES = 1000;
/** More than what is copied into the ring of written batches. */
const LARGE_BYTES = 17 * 1024;
const NO_LIMIT = { maxBytes: Number.POSITIVE_INFINITY, below: Number.POSITIVE_INFINITY };

class Model {
  readonly boundBytes: number;
  readonly window: Window;
  segment = new Segment(0, null);
  entries: Entry[] = [];
  writtenCount = 0;

  constructor(boundBytes = BOUND_BYTES) {
    this.boundBytes = boundBytes;
    this.window = new Window(boundBytes);
  }

  get end(): number {
    return this.entries.at(-1)?.end ?? 0;
  }

  push(count: number, size: number): void {
    const last = this.entries.at(-1);
    const entry: Entry = {
      base: this.end,
      end: this.end + count,
      timestampMs: (last?.timestampMs ?? 0) + (size % 3),
      bytes: Buffer.alloc(size, this.end),
      segment: this.segment,
      position: last ? last.position + last.bytes.length : 0,
    };
    this.entries.push(entry);
    this.window.push(entry);
  }

  write(maxBytes: number): void {
    const group = this.window.nextToWrite(maxBytes, 1024);
    assert.deepEqual(group, this.entries.slice(this.writtenCount, this.writtenCount + group.length));
    this.window.written(group.length);
    this.writtenCount += group.length;
  }

  /** Takes the last so many away. */
  cut(pick: number): void {
    const keep = Math.max(0, this.entries.length - pick);
    this.window.cut(this.entries[keep]?.base ?? this.end);
    this.entries = this.entries.slice(0, keep);
    this.writtenCount = Math.min(this.writtenCount, keep);
  }

  check(): void {
    const { window } = this;
    const unwritten = this.entries.slice(this.writtenCount);
    assert.equal(window.unwrittenBase, unwritten[0]?.base ?? null);
    assert.equal(window.unwrittenBytes, sizeOf(unwritten.map(({ bytes }) => bytes)));
    const base = window.base;
    if (base === null) {
      assert.equal(unwritten.length, 0);
      return;
    }
    const here = this.entries.filter((entry) => entry.base >= base);
    const collected = window.collect(base, NO_LIMIT) ?? [];
    assert.equal(collected.length, here.length);
    for (const [at, { bytes, base: from }] of here.entries())
      assert.ok(collected[at]?.equals(bytes), `the batch at ${from} is another`);
    const written = here.slice(0, here.length - unwritten.length);
    assert.ok(unwritten.length === 0 || unwritten[0] === here[written.length], 'the unwritten are all here');
    const size = sizeOf(here.map(({ bytes }) => bytes));
    assert.ok(size <= this.boundBytes || written.length === 0, `${size} bytes are kept`);
    assert.equal(base === 0 ? null : window.collect(base - 1, NO_LIMIT), null);
    assert.equal(base === 0 ? undefined : window.find(base - 1), undefined);
    for (const entry of here) same(window.find(entry.end - 1), entry);
    const middle = here[here.length >> 1] as Entry;
    const first = here.find(({ timestampMs }) => timestampMs >= middle.timestampMs);
    same(window.firstAt(middle.timestampMs), first);
    const below = { maxBytes: middle.bytes.length * 3, below: middle.end };
    assert.deepEqual(window.collect(middle.base, below), [middle.bytes]);
  }
}

/** A deep comparison would print megabytes where it fails. */
function same(found: Entry | undefined, entry: Entry | undefined): void {
  assert.equal(found?.base, entry?.base);
  assert.equal(found?.end, entry?.end);
  assert.equal(found?.timestampMs, entry?.timestampMs);
  assert.equal(found?.position, entry?.position);
  assert.ok(found?.segment === entry?.segment, `another segment for ${entry?.base}`);
  assert.ok(!entry || found?.bytes.equals(entry.bytes), `the batch at ${entry?.base} is another`);
}

const sizeOf = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { length }) => sum + length, 0);

const stepOf = (maxSize: number) =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ push: fc.array(fc.integer({ min: 1, max: maxSize }), { maxLength: 5 }) }),
    },
    { weight: 2, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 4 * maxSize }) }) },
    // So many that most of them are packed.
    {
      weight: 3,
      arbitrary: fc.record({
        append: fc.array(fc.noBias(fc.integer({ min: 1, max: maxSize })), { minLength: 64, maxLength: 90 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ roll: fc.constant(true) }) },
    { weight: 1, arbitrary: fc.record({ cut: fc.nat({ max: 40 }) }) },
  );

/** Bound and size of the largest batch: forgotten early, rolled over in the ring, and with large ones between small ones. */
for (const [boundBytes, maxSize] of [
  [BOUND_BYTES, 400],
  [BOUND_BYTES, 2000],
  [20_000, 200],
  [60_000, 600],
  [1_500_000, 2 * LARGE_BYTES],
] as const)
  test(`it holds what is unwritten, and of the rest ${boundBytes} bytes of batches of up to ${maxSize}`, () => {
    fc.assert(
      fc.property(fc.array(stepOf(maxSize), { minLength: 60, maxLength: 90 }), (steps) => {
        const model = new Model(boundBytes);
        for (const one of steps) {
          if ('push' in one) for (const size of one.push) model.push(1 + (size % 9), size);
          else if ('write' in one) model.write(one.write);
          else if ('append' in one) {
            for (const size of one.append) model.push(1, size);
            while (model.writtenCount < model.entries.length) model.write(maxSize);
          } else if ('roll' in one) model.segment = new Segment(model.end, null);
          else model.cut(one.cut);
          model.check();
        }
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });

test('thousands of small batches are all found', () => {
  const model = new Model(100_000);
  for (let index = 0; index < 5000; index += 1) {
    model.push(1, 10);
    model.window.written(1);
  }
  model.writtenCount = model.entries.length;
  model.check();
  assert.equal(model.window.base, 0);
});

test('what was handed out stays as it is when its memory is used for others', () => {
  const model = new Model(20_000);
  const add = (): void => {
    model.push(1, 100);
    model.window.written(1);
  };
  for (let index = 0; index < 150; index += 1) add();
  const held = model.window.collect(0, NO_LIMIT) as Buffer[];
  const found = model.window.find(3)?.bytes;
  const before = held.map((bytes) => Buffer.from(bytes));
  for (let index = 0; index < 1000; index += 1) add();
  assert.equal(model.window.find(3), undefined);
  assert.deepEqual(held, before);
  assert.deepEqual(found, before[3]);
});

test('a group to write ends with its segment', () => {
  const model = new Model();
  model.push(1, 10);
  model.push(1, 10);
  const other = new Segment(2, null);
  model.window.push({
    base: 2,
    end: 3,
    timestampMs: 9,
    bytes: Buffer.alloc(10),
    segment: other,
    position: 0,
  });
  assert.equal(model.window.nextToWrite(1000, 1024).length, 2);
  assert.equal(model.window.nextToWrite(1000, 1).length, 1);
  assert.equal(model.window.nextToWrite(1, 1024).length, 1, 'one at least');
  model.window.written(2);
  assert.equal(model.window.nextToWrite(1000, 1024)[0]?.segment, other);
});

test('batches are found by offset and by time, and given within limits', () => {
  const model = new Model();
  for (let index = 0; index < 5; index += 1) model.push(2, 100);
  const bases = (buffers: Buffer[] | null) => buffers?.map((bytes) => bytes[0]);
  assert.equal(model.window.find(5)?.base, 4);
  assert.equal(model.window.find(10), undefined);
  assert.deepEqual(bases(model.window.collect(3, NO_LIMIT)), [2, 4, 6, 8]);
  assert.deepEqual(bases(model.window.collect(3, { maxBytes: 250, below: 100 })), [2, 4]);
  assert.deepEqual(bases(model.window.collect(3, { maxBytes: 1, below: 100 })), [2], 'one at least');
  assert.deepEqual(bases(model.window.collect(3, { maxBytes: 1000, below: 7 })), [2, 4], 'whole ones below');
  assert.deepEqual(bases(model.window.collect(3, { maxBytes: 1000, below: 3 })), []);
  const times = model.entries.map(({ timestampMs }) => timestampMs);
  assert.equal(model.window.firstAt(times[2] as number)?.base, 4);
  assert.equal(model.window.firstAt((times[4] as number) + 1), undefined);
});

test('many small batches do not pile up behind', () => {
  const model = new Model();
  for (let index = 0; index < 10_000; index += 1) {
    model.push(1, 100);
    model.window.written(1);
  }
  const kept = model.window.collect(model.end - 10, NO_LIMIT);
  assert.equal(kept?.length, 10);
  assert.equal(model.window.base, model.end - 10);
});
