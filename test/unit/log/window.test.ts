// The memory of recent batches against a model: a plain list of which nothing is forgotten.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Segment } from '../../../src/log/segments.ts';
import { type Entry, Window } from '../../../src/log/window.ts';

const BOUND_BYTES = 1000;
const NO_LIMIT = { maxBytes: Number.POSITIVE_INFINITY, below: Number.POSITIVE_INFINITY };

class Model {
  readonly window = new Window(BOUND_BYTES);
  readonly segment = new Segment(0, null);
  entries: Entry[] = [];
  writtenCount = 0;

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

  cut(pick: number): void {
    const keep = pick % (this.entries.length + 1);
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
    assert.deepEqual(
      window.collect(base, NO_LIMIT),
      here.map(({ bytes }) => bytes),
    );
    const written = here.slice(0, here.length - unwritten.length);
    assert.ok(unwritten.length === 0 || unwritten[0] === here[written.length], 'the unwritten are all here');
    const size = sizeOf(here.map(({ bytes }) => bytes));
    assert.ok(size <= BOUND_BYTES || written.length === 0, `${size} bytes are kept`);
    assert.equal(base === 0 ? null : window.collect(base - 1, NO_LIMIT), null);
  }
}

const sizeOf = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { length }) => sum + length, 0);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ push: fc.integer({ min: 1, max: 9 }), size: fc.integer({ min: 1, max: 400 }) }),
  },
  { weight: 4, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 1500 }) }) },
  { weight: 1, arbitrary: fc.record({ cut: fc.nat() }) },
);

test('it holds what is unwritten, and of the rest as much as fits', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const model = new Model();
      for (const one of steps) {
        if ('push' in one) model.push(one.push, one.size);
        else if ('write' in one) model.write(one.write);
        else model.cut(one.cut);
        model.check();
      }
    }),
  );
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
