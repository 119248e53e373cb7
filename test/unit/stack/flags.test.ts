import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags, USAGE } from '../../../src/stack/flags.ts';

const defaults = { nodes: 3, basePort: 8081, rate: 1, data: null, json: false, consul: null };

test('without flags there are three loggers and a producer', () => {
  assert.deepEqual(parseFlags([]), { kind: 'run', flags: defaults });
});

test('every flag is taken', () => {
  const args = [
    '--nodes=5',
    '--base-port',
    '0',
    '--rate',
    '2.5',
    '--data',
    './d',
    '--json',
    '--consul',
    'a:8500, https://b/',
  ];
  assert.deepEqual(parseFlags(args), {
    kind: 'run',
    flags: {
      nodes: 5,
      basePort: 0,
      rate: 2.5,
      data: './d',
      json: true,
      consul: ['http://a:8500', 'https://b'],
    },
  });
});

test('help is asked for by its long or its short name, and names every flag', () => {
  for (const flag of ['--help', '-h']) assert.deepEqual(parseFlags([flag]), { kind: 'help' });
  for (const flag of ['nodes', 'base-port', 'rate', 'data', 'consul', 'json'])
    assert.match(USAGE, new RegExp(`--${flag} `));
});

test('all wrong values are told at once', () => {
  const parsed = parseFlags([
    '--nodes',
    '8',
    '--base-port=70000',
    '--rate=fast',
    '--data=',
    '--consul',
    'http://',
  ]);
  assert.ok(parsed.kind === 'wrong');
  assert.deepEqual(
    parsed.problems.map((problem) => problem.split(' ', 1)[0]),
    ['--nodes', '--base-port', '--rate', '--data', '--consul'],
  );
});

for (const args of [
  ['--node', '3'],
  ['up'],
  ['--rate'],
  ['--json=yes'],
  ['--nodes', '1.5'],
  ['--nodes', ''],
  ['--rate', '-1'],
])
  test(`${args.join(' ')} is not taken`, () => {
    const parsed = parseFlags(args);
    assert.ok(parsed.kind === 'wrong');
    assert.equal(parsed.problems.length, 1);
    assert.ok((parsed.problems[0] ?? '').length > 10);
  });
