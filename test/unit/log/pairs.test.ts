import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  epochAt,
  formatPairs,
  lastEpoch,
  pairsFrom,
  pairsProblem,
  pairsUpTo,
  parsePairs,
} from '../../../src/log/pairs.ts';

const pair = (epoch: number, start: number) => ({ epoch, start });
const PAIRS = [pair(1, 0), pair(3, 100), pair(4, 200), pair(5, 200), pair(9, 300)];

test('the text is that of Kafka, version 0', () => {
  assert.equal(formatPairs([pair(1, 0), pair(3, 100)]).toString(), '0\n2\n1 0\n3 100\n');
  assert.equal(formatPairs([]).toString(), '0\n0\n');
});

test('what was written is read again', () => {
  const steps = fc.array(
    fc.record({ epochs: fc.integer({ min: 1, max: 2 ** 31 }), records: fc.nat(2 ** 40) }),
  );
  fc.assert(
    fc.property(steps, (list) => {
      let [epoch, start] = [0, 0];
      const pairs = list.map(({ epochs, records }) => {
        epoch += epochs;
        start += records;
        return pair(epoch, start);
      });
      assert.deepEqual(parsePairs(formatPairs(pairs)), pairs);
    }),
  );
});

test('a text that is not whole, or whose pairs do not rise, is no checkpoint', () => {
  const none = [
    '',
    '0\n',
    '0\n0',
    '1\n0\n',
    '0\n1\n',
    '0\n2\n1 0\n',
    '0\n1\n1 0',
    '0\n1\n1 0\n2 0\n',
    '0\n1\n1  0\n',
  ];
  const wrong = [
    '0\n1\n-1 0\n',
    '0\n1\n0 0\n',
    '0\n2\n2 0\n2 5\n',
    '0\n2\n2 5\n3 4\n',
    '0\n1\n1 x\n',
    '0\n1\n1 0 0\n',
  ];
  for (const text of [...none, ...wrong])
    assert.equal(parsePairs(Buffer.from(text)), null, JSON.stringify(text));
});

test('the epoch of a record is that of the last pair at or before it', () => {
  const expected = [
    [0, 1],
    [99, 1],
    [100, 3],
    [199, 3],
    [200, 5],
    [300, 9],
    [1e9, 9],
  ] as const;
  for (const [offset, epoch] of expected) assert.equal(epochAt(PAIRS, offset), epoch, `offset ${offset}`);
  assert.equal(epochAt([pair(2, 50)], 49), 0);
  assert.equal(lastEpoch(PAIRS), 9);
  assert.equal(lastEpoch([]), 0);
});

test('a cut keeps the pairs up to its end, those at the end too', () => {
  assert.deepEqual(pairsUpTo(PAIRS, 200), PAIRS.slice(0, 4));
  assert.deepEqual(pairsUpTo(PAIRS, 199), PAIRS.slice(0, 2));
});

test('a trimmed log keeps the pair that covers its first record, and all from there on', () => {
  assert.deepEqual(pairsFrom(PAIRS, 0), PAIRS);
  assert.deepEqual(pairsFrom(PAIRS, 99), PAIRS);
  assert.deepEqual(pairsFrom(PAIRS, 150), PAIRS.slice(1));
  assert.deepEqual(pairsFrom(PAIRS, 200), PAIRS.slice(2));
  assert.deepEqual(pairsFrom(PAIRS, 201), PAIRS.slice(3));
  assert.deepEqual(pairsFrom(PAIRS, 1000), PAIRS.slice(4));
});

test('pairs rise in epoch and never fall in start', () => {
  assert.equal(pairsProblem(PAIRS), null);
  assert.match(pairsProblem([pair(2, 0), pair(2, 5)]) ?? '', /epoch 2 comes after epoch 2/);
  assert.match(pairsProblem([pair(2, 5), pair(3, 4)]) ?? '', /start 4 comes after start 5/);
});
