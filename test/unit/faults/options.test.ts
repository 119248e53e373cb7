import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS, PAIRS } from '../../faults/nemesis/index.ts';
import { optionsOf } from '../../faults/options.ts';
import { randomFault } from '../../faults/random.ts';
import { Random } from '../../support/random.ts';

test('every fault has a name of its own, and all are chosen unless told otherwise', () => {
  const { faults, runs, write } = optionsOf([]);
  assert.equal(new Set(faults.map(({ name }) => name)).size, FAULTS.length + PAIRS.length);
  assert.deepEqual({ runs, write }, { runs: 1, write: false });
});

test('faults are chosen by parts of their names; the short form names faults that there are', () => {
  const chosen = optionsOf(['--only', 'SIGKILL, the leader', '--only', 'drain']).faults;
  assert.deepEqual(
    chosen.map(({ name }) => name),
    ['container SIGKILL, the leader', "node drain, the leader's"],
  );
  assert.equal(optionsOf(['--short']).faults.length, 15);
});

test('what cannot work is refused', () => {
  for (const args of [['--only', 'nothing'], ['--runs', '0'], ['--runs', 'x'], ['--what']])
    assert.throws(() => optionsOf(args), TypeError, args.join(' '));
});

test('a seed gives the same faults again, and pairs only of those that can stand together', () => {
  const names = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 200 }, () => randomFault(FAULTS, random).name);
  };
  assert.deepEqual(names(7), names(7));
  assert.notDeepEqual(names(7), names(8));
  const pairs = names(7).filter((name) => name.includes(' + '));
  assert.ok(pairs.length > 0);
  const alone = new Set(FAULTS.filter(({ alone }) => alone).map(({ name }) => name));
  for (const pair of pairs) {
    const parts = pair.split(' + ');
    assert.equal(parts.length, 2);
    assert.notEqual(parts[0], parts[1]);
    assert.ok(!parts.some((part) => alone.has(part)), pair);
  }
});
